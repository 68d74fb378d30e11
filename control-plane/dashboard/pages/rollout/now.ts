// The server's time, second by second, for clocks that run down.
import { useEffect, useState } from 'preact/hooks';
import { clockAheadMs } from '../../live/live.ts';

export function useServerNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now + clockAheadMs.value;
}
