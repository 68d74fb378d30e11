// The forest plot: one row per guardrail with its dot, its range and the limit. Red only where the whole bar is past the line.
import type { Verdict } from '../../../shared/rollout/verdict.ts';
import { type ForestRow, forestOf, positionOf } from './forest.ts';

const WIDTH = 300;
const HEIGHT = 22;

export function ForestBar({ verdict }: { readonly verdict: Verdict }) {
  const [row] = forestOf([verdict]);
  if (row === undefined) return null;
  return (
    <svg
      class={`forest ${row.stands}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <line class="zero" x1={positionOf(0) * WIDTH} x2={positionOf(0) * WIDTH} y1="0" y2={HEIGHT} />
      {row.limits.map((limit) => (
        <line key={limit} class="limit" x1={limit * WIDTH} x2={limit * WIDTH} y1="0" y2={HEIGHT} />
      ))}
      <Bar row={row} />
    </svg>
  );
}

function Bar({ row: { low, high, dot, isCutLow, isCutHigh } }: { readonly row: ForestRow }) {
  if (low === null || high === null || dot === null) return null;
  const [from, to, middle] = [low * WIDTH, high * WIDTH, HEIGHT / 2];
  return (
    <g>
      <rect class="range" x={from} y={middle - 4} width={Math.max(2, to - from)} height="8" rx="2" />
      {isCutLow ? <path class="cut" d={`M6 ${middle - 6} L0 ${middle} L6 ${middle + 6}`} /> : null}
      {isCutHigh ? (
        <path class="cut" d={`M${WIDTH - 6} ${middle - 6} L${WIDTH} ${middle} L${WIDTH - 6} ${middle + 6}`} />
      ) : null}
      <path class="dot" d={`M${Math.min(WIDTH - 3, Math.max(3, dot * WIDTH))} ${middle}h0`} />
    </g>
  );
}
