// How slow the frames of each arm are, drawn over one another. The table beside it says the same.
import type { RolloutArms } from '../../../shared/protocol/api-rollout-arms.ts';
import { HEIGHT, quantilesOf, WIDTH } from './quantiles.ts';

const LEFT = 62;

export function QuantilesPlot({ arms }: { readonly arms: RolloutArms }) {
  const picture = quantilesOf(arms);
  if (picture === null) return null;
  return (
    <svg class="quantiles" viewBox={`${-LEFT} -8 ${WIDTH + LEFT + 20} ${HEIGHT + 32}`} aria-hidden="true">
      {picture.levels.map(({ ms, y }) => (
        <g key={ms}>
          <line class="grid" x2={WIDTH} y1={y} y2={y} />
          <text x="-8" y={y + 4} text-anchor="end">
            {ms} ms
          </text>
        </g>
      ))}
      {picture.upright.map(({ name, x }) => (
        <g key={name}>
          <line class="grid" x1={x} x2={x} y2={HEIGHT} />
          <text x={x} y={HEIGHT + 17} text-anchor="middle">
            {name}
          </text>
        </g>
      ))}
      {picture.curves.map(({ arm, line, dots }) => (
        <g key={arm} class={arm}>
          <polyline points={line} />
          {dots.map(({ x, y }) => (
            <circle key={x} cx={x} cy={y} r="4" />
          ))}
        </g>
      ))}
    </svg>
  );
}
