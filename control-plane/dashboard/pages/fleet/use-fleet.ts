// The fleet as a page counts it: looked at anew at most twice a second, however many devices change meanwhile.
import { useEffect, useState } from 'preact/hooks';
import { devices, incidents, isRead, kills, pulse, rollouts, roster } from '../../live/live.ts';
import { byName } from './filter.ts';
import type { Fleet } from './summary.ts';

const EVERY_MS = 500;
/** Of a large fleet a count takes as long as some frames of a small one. */
const LARGE = 2000;
const LARGE_EVERY_MS = 1500;

/** Null until it was read. Devices in the order of their names. */
export function useFleet(): Fleet | null {
  const [fleet, setFleet] = useState<Fleet | null>(() => (isRead.peek() ? take() : null));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (): void => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          if (isRead.peek()) setFleet(take());
        },
        devices.size > LARGE ? LARGE_EVERY_MS : EVERY_MS,
      );
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
let orderOf = -1;

/** Devices seldom come or go: their order is kept until they do. */
function take(): Fleet {
  if (orderOf !== roster.peek())
    inOrder = [...devices.values()]
      .map((device) => device.peek())
      .sort(byName)
      .map(({ site, device }) => `${site}/${device}`);
  orderOf = roster.peek();
  const listed = inOrder.flatMap((id) => devices.get(id)?.peek() ?? []);
  return { devices: listed, rollouts: rollouts.peek(), kills: kills.peek(), incidents: incidents.peek() };
}
