// The fleet as a page counts it: looked at anew at most twice a second, however many devices change meanwhile.
import { useEffect, useState } from 'preact/hooks';
import { devices, incidents, isRead, kills, pulse, rollouts } from '../../live/live.ts';
import { byName } from './filter.ts';
import type { Fleet } from './summary.ts';

const EVERY_MS = 500;

/** Null until it was read. Devices in the order of their names. */
export function useFleet(): Fleet | null {
  const [fleet, setFleet] = useState<Fleet | null>(() => (isRead.peek() ? take() : null));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        if (isRead.peek()) setFleet(take());
      }, EVERY_MS);
    };
    const stops = [pulse, rollouts, kills, incidents].map((each) => each.subscribe(look));
    const first = isRead.subscribe((read) => read && setFleet(take()));
    return () => {
      clearTimeout(timer);
      first();
      for (const stop of stops) stop();
    };
  }, []);
  return fleet;
}

let inOrder: readonly string[] = [];

/** Devices seldom come or go: their order is kept until they do. */
function take(): Fleet {
  if (inOrder.length !== devices.size || inOrder.some((id) => !devices.has(id)))
    inOrder = [...devices.values()]
      .map((device) => device.peek())
      .sort(byName)
      .map(({ site, device }) => `${site}/${device}`);
  const listed = inOrder.flatMap((id) => devices.get(id)?.peek() ?? []);
  return { devices: listed, rollouts: rollouts.peek(), kills: kills.peek(), incidents: incidents.peek() };
}
