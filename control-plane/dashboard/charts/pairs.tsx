// Each device against its own past: candidates coloured and shaped by where they stand, controls grey. Said in a sentence as well.
import type { GuardrailEvidence } from '../../../shared/protocol/api-rollout-charts.ts';
import { type Dot, type Lane, pairsOf, type Shape } from './pairs.ts';

const WIDTH = 720;
const LANE = 44;
const LABEL = 150;
const PLOT = WIDTH - LABEL - 16;

type Words = { readonly show: (value: number) => string };

export function PairsPlot({ evidence, words }: { readonly evidence: GuardrailEvidence; readonly words: Words }) {
  const plot = pairsOf({ ...evidence, points: evidence.points ?? [] });
  const height = plot.lanes.length * LANE;
  const x = (share: number) => LABEL + share * PLOT;
  const upright = (share: number, name: string) => <line class={name} x1={x(share)} x2={x(share)} y1="0" y2={height} />;
  return (
    <svg class="pairs" viewBox={`0 0 ${WIDTH} ${height + 24}`} aria-hidden="true">
      {plot.ticks.map((tick) => (
        <g key={tick.value}>
          {upright(tick.x, 'grid')}
          <text class="tick" x={x(tick.x)} y={height + 16} text-anchor="middle">
            {words.show(tick.value)}
          </text>
        </g>
      ))}
      {plot.zero === null ? null : upright(plot.zero, 'zero')}
      {plot.controlMean === null ? null : upright(plot.controlMean, 'mean')}
      {plot.limits.map((limit) => (
        <g key={limit.value}>{upright(limit.x, 'limit')}</g>
      ))}
      {plot.lanes.map((lane, at) => (
        <LaneRow key={lane.name} lane={lane} top={at * LANE} x={x} words={words} />
      ))}
    </svg>
  );
}

type Row = {
  readonly lane: Lane;
  readonly top: number;
  readonly x: (share: number) => number;
  readonly words: Words;
};

function LaneRow({ lane, top, x, words }: Row) {
  return (
    <g>
      <line class="grid" x1="0" x2={WIDTH} y1={top + LANE} y2={top + LANE} />
      <path class={`key stratum-${lane.colour}`} d={pathOf(lane.shape, 10, top + LANE / 2, 5)} />
      <text class="lane" x="22" y={top + LANE / 2 + 4}>
        {lane.name}
      </text>
      {lane.dots.map((dot) => (
        <DotLink
          key={`${dot.point.site}/${dot.point.device}`}
          dot={dot}
          lane={lane}
          at={[x(dot.x), top + dot.y * LANE]}
          words={words}
        />
      ))}
    </g>
  );
}

type Placed = { readonly dot: Dot; readonly lane: Lane; readonly at: readonly [number, number]; readonly words: Words };

function DotLink({ dot: { point, isCutOff }, lane, at: [x, y], words }: Placed) {
  const isCandidate = point.arm === 'candidate';
  const name = isCandidate ? `stratum-${lane.colour}` : 'control';
  return (
    <a href={`/devices/${point.site}/${point.device}`} tabindex={-1}>
      <path class={`device ${name}`} d={pathOf(isCandidate ? lane.shape : 'circle', x, y, isCandidate ? 5 : 3.5)} />
      <title>
        {`${point.site}/${point.device}, ${point.arm}: ${words.show(point.value)}${isCutOff ? ' (beyond the edge)' : ''}`}
      </title>
    </a>
  );
}

function pathOf(shape: Shape, x: number, y: number, r: number): string {
  switch (shape) {
    case 'circle':
      return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
    case 'square':
      return `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`;
    case 'triangle':
      return `M${x} ${y - r}L${x + r} ${y + r}H${x - r}z`;
    case 'diamond':
      return `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}z`;
    case 'flip':
      return `M${x - r} ${y - r}H${x + r}L${x} ${y + r}z`;
    case 'cross':
      return `M${x - r} ${y - 2}h${r - 2}v${2 - r}h4v${r - 2}h${r - 2}v4h${2 - r}v${r - 2}h-4v${2 - r}h${2 - r}z`;
  }
}
