// The strips of a device: FPS, latency, temperature and battery on one time axis, read again once a minute.
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Desired } from '../../../../shared/protocol/documents.ts';
import type { DeviceAddress } from '../../../../shared/protocol/topics.ts';
import { Strip } from '../../charts/strip.tsx';
import { shownRange } from '../../charts/strip-columns.ts';
import { clockAheadMs } from '../../live/live.ts';
import { useResource } from '../../live/resource.ts';
import { Age, Trouble } from '../../shell/kit.tsx';
import { finerAt, marksOf, RANGES, type RangeName, stripsOf, windowsAt } from './device-words.ts';

type StripsProps = {
  readonly where: DeviceAddress;
  readonly range: RangeName;
  readonly limits: Desired['limits'] | null;
};

const EVERY_MS = 30_000;

export function Strips({ where, range, limits }: StripsProps) {
  const [nowMs, setNowMs] = useState(Date.now() + clockAheadMs.value);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now() + clockAheadMs.value), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const whole = useResource(windowsAt(where, range, nowMs));
  const finer = useResource(whole.value === null ? null : finerAt(where, whole.value));
  const { problem, readAtMs, refresh } = whole;
  const value = finer.value ?? whole.value;
  const marks = useMemo(() => (value === null ? [] : marksOf(value)), [value]);
  const strips = useMemo(() => (value === null ? [] : stripsOf(value, limits)), [value, JSON.stringify(limits)]);
  const shown = shownRange([value?.fromMs ?? 0, value?.toMs ?? 1], value?.points[0]?.atMs ?? null);
  return (
    <>
      <p class="ranges">
        {Object.keys(RANGES).map((name) => (
          <a
            key={name}
            href={`/devices/${where.site}/${where.device}?range=${name}`}
            aria-current={name === range ? 'true' : undefined}
          >
            {name}
          </a>
        ))}
        <small>
          {value === null ? '' : `${value.windows} windows, `}read <Age atMs={readAtMs} />
        </small>
      </p>
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      {value !== null && value.windows === 0 ? (
        <p>
          It sent no window in this time. Its agent sends one a minute while it runs; look at what hinders it, or choose
          a longer time.
        </p>
      ) : (
        strips.map((strip) => <Strip key={strip.title} {...strip} marks={marks} range={shown} />)
      )}
    </>
  );
}
