// What a device does for a drill by itself: heat and silence, only while the declared release answers, and only for its time.
import { describe, expect, it } from 'vitest';
import type { Installed } from '../../agent/artifacts/artifacts.ts';
import { openRehearsal, REHEARSED_HEAT_C, SILENT_AFTER_MS } from '../../agent/rehearsal.ts';
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import { DEVICE_CHANNELS } from '../../shared/protocol/topics.ts';
import type { DeclaredFault } from '../../shared/release/drill.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';

const [DRILL, BASELINE] = ['d'.repeat(64), 'b'.repeat(64)];
const FOR_MS = 60_000;
const WARM = { ...NO_SENSORS, temperatureC: 50 };

function rehearse(failure: DeclaredFault['failure']) {
  const world = { serving: BASELINE as string | null, nowMs: 5000 };
  const log = openRecordingLog();
  const rehearsal = openRehearsal({ serving: () => world.serving, monotonicNow: () => world.nowMs, log });
  const drill = { failure, of: 'model:1.0.0', forMs: FOR_MS };
  const release = { ref: { digest: DRILL, release: 'model:0.0.1' }, manifest: { drill } } as unknown as Installed;
  rehearsal.learn(release);
  rehearsal.learn({ ...release, ref: { ...release.ref, digest: BASELINE }, manifest: {} } as unknown as Installed);
  const heat = () => rehearsal.feel(WARM).temperatureC;
  const withheld = () => DEVICE_CHANNELS.filter((channel) => rehearsal.withholds(channel)).sort();
  return { world, log, rehearsal, release, heat, withheld };
}

describe('heat', () => {
  it('is added while the declared release answers, and gone at once when another does', () => {
    const { world, heat, withheld } = rehearse('hot');
    expect(heat()).toBe(50);
    world.serving = DRILL;
    expect(heat()).toBe(50 + REHEARSED_HEAT_C);
    expect(withheld()).toEqual([]);
    world.serving = BASELINE;
    expect(heat()).toBe(50);
    world.serving = null;
    expect(heat()).toBe(50);
  });

  it('is not felt by a box without a sensor', () => {
    const { world, rehearsal } = rehearse('hot');
    world.serving = DRILL;
    expect(rehearsal.feel(NO_SENSORS)).toEqual(NO_SENSORS);
  });

  it('ends with its time, and being loaded again gives it no more', () => {
    const { world, heat, rehearsal, release, log } = rehearse('hot');
    world.serving = DRILL;
    expect(heat()).toBe(50 + REHEARSED_HEAT_C);
    world.nowMs += FOR_MS - 1;
    rehearsal.learn(release);
    expect(heat()).toBe(50 + REHEARSED_HEAT_C);
    world.nowMs += 1;
    expect(heat()).toBe(50);
    expect(log.entries.map(({ message }) => message)).toEqual(['a drill is rehearsed on this device']);
  });
});

describe('silence', () => {
  it('keeps what tells of life, and lets safety events and presence of the link pass', () => {
    const { world, withheld, heat } = rehearse('silent');
    expect(withheld()).toEqual([]);
    world.serving = DRILL;
    // First it tells that it has the candidate.
    expect(withheld()).toEqual([]);
    world.nowMs += SILENT_AFTER_MS;
    expect(withheld()).toEqual(['hello', 'reported', 'window']);
    expect(heat()).toBe(50);
    world.serving = BASELINE;
    expect(withheld()).toEqual([]);
    world.serving = DRILL;
    world.nowMs += FOR_MS - SILENT_AFTER_MS;
    expect(withheld()).toEqual([]);
  });
});

it('of the other failures the runner takes care', () => {
  for (const failure of ['slow', 'crash', 'bad-golden'] as const) {
    const { world, withheld, heat } = rehearse(failure);
    world.serving = DRILL;
    expect([withheld(), heat()]).toEqual([[], 50]);
  }
});
