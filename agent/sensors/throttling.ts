// Whether the machine slows itself down, and why: cooling devices that limit the processor, and counters of throttling and
// over-current. A running fan is not throttling.
import { join } from 'node:path';
import type { Sensors } from '../../shared/measure/window.ts';
import { listNames, listPaths, numberOf, type ReadText, wordOf } from './sysfs.ts';

const LIMITING_DEVICE = /throttle|cpufreq|devfreq|^processor$|balanced|powerclamp/i;
/** A server has hundreds of cores; their counters are read by turns, and none is lost, because they only grow. */
const CORES_A_READING = 8;
/** As many cooling devices of one type are read each time; of a server's hundreds, all limited together, by turns. */
const ALIKE_A_READING = 8;
const REASON_MAX = 80;
const REASONS_MAX = 32;

export type Throttling = Pick<Sensors, 'throttled' | 'throttleReasons' | 'throttleCounts'>;

type Counter = { readonly name: string; readonly path: string };

export type ThrottleSources = {
  /** Groups of one type each. */
  readonly coolers: readonly (readonly Counter[])[];
  readonly counters: readonly Counter[];
  readonly cores: readonly Counter[];
};

export function findThrottling(sysRoot: string, read: ReadText): ThrottleSources {
  const thermal = join(sysRoot, 'class/thermal');
  const coolers = listPaths(thermal, /^cooling_device\d+$/).flatMap((folder) => {
    const type = wordOf(read(join(folder, 'type'))) ?? '';
    return LIMITING_DEVICE.test(type) ? [{ name: `cooling:${type}`, path: join(folder, 'cur_state') }] : [];
  });
  const hwmon = join(sysRoot, 'class/hwmon');
  // Over-current events of Jetson boards.
  const overCurrents = listPaths(hwmon, /^hwmon\d+$/).flatMap((folder) =>
    listNames(folder, /^oc\d+_event_cnt$/).map((file) => ({
      name: `over-current:${file.replace('_event_cnt', '')}`,
      path: join(folder, file),
    })),
  );
  const processors = findProcessors(sysRoot, read);
  const byType = Map.groupBy(coolers, ({ name }) => name);
  return {
    coolers: [...byType.values()],
    counters: [...processors.packages, ...overCurrents],
    cores: processors.cores,
  };
}

/** One counter for each package and each core: the threads of a core show the same one. */
function findProcessors(sysRoot: string, read: ReadText) {
  const root = join(sysRoot, 'devices/system/cpu');
  const all = listNames(root, /^cpu\d+$/).flatMap((cpu) => findCounters(join(root, cpu), cpu, read));
  const firstOfEach = [...new Map([...all].reverse().map((counter) => [counter.key, counter])).values()].reverse();
  const of = (name: string) => firstOfEach.filter((counter) => counter.name === name);
  return { packages: of('cpu-package'), cores: of('cpu-core') };
}

function findCounters(folder: string, cpu: string, read: ReadText): readonly (Counter & { readonly key: string })[] {
  const files = listNames(join(folder, 'thermal_throttle'), /^(core|package)_throttle_count$/);
  if (files.length === 0) return [];
  const of = (file: string) => wordOf(read(join(folder, 'topology', file)));
  const physical = of('physical_package_id') ?? '0';
  const core = of('core_id') ?? cpu;
  return files.map((file) => {
    const path = join(folder, 'thermal_throttle', file);
    return file.startsWith('package')
      ? { name: 'cpu-package', key: `package ${physical}`, path }
      : { name: 'cpu-core', key: `core ${physical} ${core}`, path };
  });
}

/** Remembers the counters from reading to reading, also when the sources are looked for again. */
export class ThrottleWatch {
  #before = new Map<string, number>();
  #turn = 0;

  /** Counts are those since the last reading. Null: nothing here can say whether the machine is throttled. */
  read({ coolers, counters, cores }: ThrottleSources, read: ReadText): Throttling {
    this.#turn += 1;
    const asked = coolers.flatMap((alike) => this.#inTurn(alike, ALIKE_A_READING));
    const states = asked.map(({ name, path }) => ({ name, state: numberOf(read(path)) }));
    const counts: Record<string, number> = {};
    const due = [...counters, ...this.#inTurn(cores, CORES_A_READING)];
    const seen = due.map((counter) => this.#count(counter, read, counts)).filter((isRead) => isRead).length;
    const known = states.filter(({ state }) => state !== null);
    if (known.length === 0 && seen === 0) return { throttled: null, throttleReasons: [], throttleCounts: {} };
    // intel_powerclamp reads −1 while it is idle.
    const limiting = known.filter(({ state }) => state !== null && state > 0).map(({ name }) => name);
    const reasons = [...new Set([...limiting, ...Object.keys(counts)])].map((reason) => reason.slice(0, REASON_MAX));
    return {
      throttled: reasons.length > 0,
      throttleReasons: reasons.slice(0, REASONS_MAX),
      throttleCounts: counts,
    };
  }

  #inTurn(all: readonly Counter[], max: number): readonly Counter[] {
    if (all.length <= max) return all;
    const first = (this.#turn * max) % all.length;
    return [...all, ...all].slice(first, first + max);
  }

  /** A counter that is seen for the first time, or begins anew, has not grown. */
  #count({ name, path }: Counter, read: ReadText, counts: Record<string, number>): boolean {
    const now = numberOf(read(path));
    if (now === null) return false;
    const grown = Math.floor(now - (this.#before.get(path) ?? now));
    this.#before.set(path, now);
    if (grown > 0) counts[name] = (counts[name] ?? 0) + grown;
    return true;
  }
}
