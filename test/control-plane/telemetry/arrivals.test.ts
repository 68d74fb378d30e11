// Foreign bytes: whatever comes, an answer in words, never a throw.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MESSAGE_BYTES_MAX, readMessage } from '../../../control-plane/telemetry/arrivals.ts';
import { buildWindow } from '../../shared/measure/window-builder.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const CHANNELS = ['hello', 'reported', 'status', 'window', 'event', 'answers', '__proto__'];

function read(channel: string, payload: string | Uint8Array) {
  return readMessage({ ...ADDRESS, channel, payload: typeof payload === 'string' ? Buffer.from(payload) : payload });
}

describe('readMessage', () => {
  it('answers any bytes with an arrival or a reason', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CHANNELS), fc.uint8Array({ maxLength: 300 }), (channel, bytes) => {
        const outcome = read(channel, bytes);
        if (!outcome.ok) expect(outcome.refused.reason.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('answers any JSON with an arrival or a reason', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CHANNELS), fc.jsonValue({ maxDepth: 5 }), (channel, value) => {
        const outcome = read(channel, JSON.stringify(value));
        if (!outcome.ok) expect(outcome.refused.reason.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('survives any one change to a valid window, and takes only what still is one', () => {
    const window: Record<string, unknown> = { ...buildWindow({ ...ADDRESS }) };
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(window)), fc.jsonValue(), (key, value) => {
        const outcome = read('window', JSON.stringify({ ...window, [key]: value }));
        if (outcome.ok && outcome.arrival.channel === 'window') {
          expect(outcome.arrival.document.seq).toBeGreaterThan(0);
          expect(outcome.arrival.document.site).toBe(ADDRESS.site);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the text as it came, with fields of a newer agent', () => {
    const text = JSON.stringify({ ...buildWindow({ ...ADDRESS }), gpuPower: 7 });
    expect(read('window', text)).toMatchObject({ ok: true, arrival: { text } });
  });

  it('says where a refused message stands in its sequence, when it can be read', () => {
    const text = JSON.stringify({ ...ADDRESS, boot: 'boot-0001', seq: 5 });
    expect(read('window', text)).toMatchObject({ refused: { position: { boot: 'boot-0001', seq: 5 } } });
    expect(read('window', '{"seq":5}')).toMatchObject({ refused: { position: null } });
    expect(read('window', '{"seq":')).toMatchObject({ refused: { position: null } });
  });

  it('refuses more than a frame may hold', () => {
    expect(read('event', ' '.repeat(MESSAGE_BYTES_MAX + 1))).toMatchObject({ refused: { kind: 'too-large' } });
  });

  it.each(['proofs', 'quarantine', 'kills', 'sinks', 'blocked'])(
    'is not held up by a frame full of wrong %s',
    (list) => {
      const text = JSON.stringify({ ...ADDRESS, [list]: Array(85_000).fill({}) });
      const startedAtMs = performance.now();
      expect(read('reported', text)).toMatchObject({ refused: { kind: 'malformed' } });
      // Told one by one these mistakes took six seconds and 700 MB.
      expect(performance.now() - startedAtMs).toBeLessThan(2000);
    },
  );
});
