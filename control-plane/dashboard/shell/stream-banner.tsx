// How fresh everything on the page is: calm in the header while news come, loud across the page when they do not.
import { clockAheadMs, lastNewsAtMs, stream, tickMs } from '../live/live.ts';
import { streamTrouble } from './spans.ts';

const openedAtMs = Date.now();

function trouble(): string | null {
  return streamTrouble({
    state: stream.value,
    lastNewsAtMs: lastNewsAtMs.value,
    openedAtMs,
    nowMs: Math.max(tickMs.value, lastNewsAtMs.value ?? 0),
  });
}

export function StreamBanner() {
  const words = trouble();
  if (words === null) return null;
  return (
    <div class="banner" role="alert">
      <strong>{words}</strong> <span>Devices go on by themselves; a kill can be sent from the command line too.</span>
    </div>
  );
}

/** The server's time, and whether what is shown is live. */
export function ServerClock() {
  const isFresh = trouble() === null && lastNewsAtMs.value !== null;
  const at = new Date(tickMs.value + clockAheadMs.value);
  const time = at.toISOString().slice(11, 19);
  const skewMs = Math.abs(clockAheadMs.value);
  const skew = skewMs > 5000 ? ` This machine's clock is ${Math.round(skewMs / 1000)} s off.` : '';
  return (
    <span class={isFresh ? 'clock' : 'clock stale'} title={`Time of the control plane, UTC.${skew}`}>
      <span class="dot" aria-hidden="true" />
      <time dateTime={at.toISOString()}>{time}</time> <span class="unit">UTC</span>{' '}
      <span class="fresh">{isFresh ? 'live' : 'not live'}</span>
    </span>
  );
}
