// One reading of the sensors, of this machine and of the files of a Jetson Orin, against what the usual library takes for
// the same values on this machine. The library is optional: without it there is no limit to hold against.
import { fileURLToPath } from 'node:url';
import { openSensors, type Sensors } from '../../agent/sensors/sensors.ts';
import { type Figure, median, percentile, type Row } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';

const READINGS = 2000;
const LIBRARY_ROUNDS = 9;
const SAMPLE_MS_MAX = 1;
const LIBRARY = 'systeminformation';
const ORIN = fileURLToPath(new URL('../../test/fixtures/sysfs/jetson-orin/', import.meta.url));

export const sensorsSample: Figure = {
  id: 'sensors.sample',
  rows: ['machine', 'orin'],
  measure: async (progress) => {
    progress(`${READINGS} readings of this machine and of an Orin's files, ${LIBRARY_ROUNDS} of ${LIBRARY}`);
    const limit = await libraryMs();
    return [
      rowOf('machine', openSensors(), limit),
      rowOf('orin', openSensors({ sysRoot: `${ORIN}sys`, procRoot: `${ORIN}proc` }), limit),
    ];
  },
};

function rowOf(what: string, sensors: Sensors, limit: number | null): Row {
  const { p50, p99 } = readingMs(sensors);
  const cheaper = limit === null ? `${LIBRARY} is not installed` : `${(limit / p50).toFixed(0)} × cheaper`;
  const verdict = p50 <= SAMPLE_MS_MAX ? 'no process spawned' : `more than ${SAMPLE_MS_MAX} ms`;
  return {
    id: `sensors.sample.${what}`,
    ours: p50,
    limit,
    ratio: limit === null ? null : p50 / limit,
    unit: 'ms/sample',
    goal: `≤ ${SAMPLE_MS_MAX} ms, ≤ 1/30 of ${LIBRARY}`,
    note: noteOf(cheaper, `p99 ${p99.toFixed(3)} ms`, verdict, describeLoad()),
  };
}

function readingMs(sensors: Sensors): { readonly p50: number; readonly p99: number } {
  const times = Array.from({ length: READINGS }, () => {
    const startMs = performance.now();
    sensors.read();
    return performance.now() - startMs;
  });
  return { p50: median(times), p99: percentile(times, 0.99) };
}

/** Temperature, battery, load, clock and memory, as a user of the library would ask for them once a second. */
async function libraryMs(): Promise<number | null> {
  const questions = await openLibrary();
  if (questions === null) return null;
  const times: number[] = [];
  for (let round = 0; round < LIBRARY_ROUNDS; round += 1) {
    const startMs = performance.now();
    for (const ask of questions) await ask();
    times.push(performance.now() - startMs);
  }
  return median(times);
}

const QUESTIONS = ['cpuTemperature', 'battery', 'currentLoad', 'cpuCurrentSpeed', 'mem'] as const;

async function openLibrary(): Promise<readonly (() => Promise<unknown>)[] | null> {
  try {
    // Not a word that the compiler could look up: the library need not be installed.
    const name: string = LIBRARY;
    const library = ((await import(name)) as { readonly default: Record<string, () => Promise<unknown>> }).default;
    return QUESTIONS.map((question) => async () => library[question]?.());
  } catch {
    return null;
  }
}
