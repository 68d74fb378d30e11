// Whether the machine slows itself down: cooling devices that limit the processor, and counters of throttling.
// A running fan is not throttling.
import { join } from 'node:path';
import { listPaths, readNumber, readWord } from './sysfs.ts';

const LIMITING_DEVICE = /throttle|cpufreq|devfreq|^processor$|balanced|powerclamp/i;

/** Finds the sources once; the returned function says whether any of them limits now, or has since the last look. */
export function openThrottling(sysRoot: string): () => boolean | null {
  const states = listPaths(join(sysRoot, 'class/thermal'), /^cooling_device\d+$/)
    .filter((device) => LIMITING_DEVICE.test(readWord(join(device, 'type')) ?? ''))
    .map((device) => join(device, 'cur_state'));
  const counters = [
    ...listPaths(join(sysRoot, 'devices/system/cpu'), /^cpu\d+$/)
      .slice(0, 1)
      .map((cpu) => join(cpu, 'thermal_throttle/package_throttle_count')),
    // Over-current events of Jetson boards.
    ...listPaths(join(sysRoot, 'class/hwmon'), /^hwmon\d+$/).flatMap((chip) => listPaths(chip, /^oc\d+_event_cnt$/)),
  ];
  let before = new Map<string, number>();
  return () => {
    const now = new Map(counters.flatMap((path) => entryOf(path)));
    const hasCounted = [...now].some(([path, count]) => count > (before.get(path) ?? count));
    before = now;
    const limits = states.map(readNumber).filter((state) => state !== null);
    if (limits.length === 0 && now.size === 0) return null;
    // intel_powerclamp reads −1 while it is idle.
    return hasCounted || limits.some((state) => state > 0);
  };
}

function entryOf(path: string): readonly (readonly [string, number])[] {
  const count = readNumber(path);
  return count === null ? [] : [[path, count]];
}
