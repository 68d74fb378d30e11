// Who counts as online: connected, and heard within three of its windows.
import { describe, expect, it } from 'vitest';
import { isOnline, silentMaxMs } from '../../../control-plane/devices/device.ts';

describe('silentMaxMs', () => {
  it.each([
    [null, 90_000],
    [1000, 15_000],
    [10_000, 30_000],
    [60_000, 90_000],
    [600_000, 900_000],
  ])('windows of %s ms: %d ms', (windowMs, patienceMs) => {
    expect(silentMaxMs(windowMs)).toBe(patienceMs);
  });
});

describe('isOnline', () => {
  const presence = { connected: true, lastSeenAtMs: 1000, windowMs: 10_000 };

  it('asks for both a connection and a fresh message', () => {
    expect(isOnline(presence, 30_999)).toBe(true);
    expect(isOnline(presence, 31_000)).toBe(false);
    expect(isOnline({ ...presence, connected: false }, 1001)).toBe(false);
  });
});
