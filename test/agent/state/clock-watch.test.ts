// The clock floor: a boot with a clock that is behind is told once, and the floor is renewed hourly.
import { describe, expect, it } from 'vitest';
import { openClockWatch } from '../../../agent/state/clock-watch.ts';
import type { EventFields } from '../../../agent/telemetry/document-body.ts';
import { parseValue } from '../../../shared/basics/parsing.ts';
import { eventSchema } from '../../../shared/protocol/reports.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 21);

function boot(savedAtMs: number, wallMs: number) {
  const events: EventFields[] = [];
  const times = { monotonicMs: 0, touches: 0 };
  const watch = openClockWatch({
    slots: {
      reading: { durable: null, found: 'whole', savedAtMs },
      touch: () => {
        times.touches += 1;
        if (times.touches === 2) throw new Error('disk full');
      },
    },
    wallNow: () => wallMs,
    monotonicNow: () => times.monotonicMs,
    emit: (event) => events.push(event),
    log: { debug: () => undefined },
  });
  return { events, times, watch };
}

describe('the clock watch', () => {
  it('tells of a clock in 1970, in an event that keeps the contract', () => {
    const { events } = boot(NOW_MS, -3000);
    expect(events).toMatchObject([{ kind: 'clock-behind', atMs: 0 }]);
    expect(events[0]?.reason).toContain('1970-01-01T00:00:00.000Z, but this device has seen 2026-11-21');
    const header = { v: 1, site: 'site-a', device: 'cam-1', boot: 'boot-0001', seq: 1 };
    expect(parseValue(eventSchema, { ...header, ...events[0] }).ok).toBe(true);
  });

  it('says nothing about a clock that is right, ahead, a little behind, or without a floor', () => {
    for (const [saved, now] of [
      [NOW_MS, NOW_MS + 60_000],
      [NOW_MS, NOW_MS + 365 * 24 * HOUR_MS],
      [NOW_MS, NOW_MS - 60_000],
      [0, 0],
    ] as const)
      expect(boot(saved, now).events).toEqual([]);
  });

  it('renews the floor hourly by the monotonic clock, also after a disk that refused', () => {
    const { watch, times } = boot(NOW_MS, NOW_MS);
    for (let minute = 0; minute < 300; minute += 1) {
      times.monotonicMs = minute * 60_000;
      watch.look();
    }
    expect(times.touches).toBe(4);
  });
});
