// Curves of latency on one picture: along it how slow a frame is among all, upwards its time. The slowest have as much room as the
// rest, since that is where a candidate slips. Positions in a picture of `WIDTH` by `HEIGHT`.
import type { RolloutArms } from '../../../shared/protocol/api-rollout-arms.ts';
import { ticksOf } from './pairs.ts';

export const WIDTH = 640;
export const HEIGHT = 180;

/** Which share of the frames is slower, and how that is called. */
const MARKED = [
  ['p50', 0.5],
  ['p95', 0.05],
  ['p99', 0.01],
] as const;

type Dot = { readonly x: number; readonly y: number };

export type Curve = Pick<RolloutArms['arms'][number], 'arm'> & { readonly line: string; readonly dots: readonly Dot[] };

export type QuantilePicture = {
  /** The one that is looked at comes last, so that it lies over the others. */
  readonly curves: readonly Curve[];
  readonly upright: readonly { readonly name: string; readonly x: number }[];
  readonly levels: readonly { readonly ms: number; readonly y: number }[];
};

/** Null: no arm has answered a frame. */
export function quantilesOf({ arms, tails }: Pick<RolloutArms, 'arms' | 'tails'>): QuantilePicture | null {
  const known = arms.flatMap(({ arm, latency }) => (latency === null ? [] : [{ arm, ...latency }]));
  const all = known.flatMap(({ curve, p99 }) => [...curve, p99]);
  if (all.length === 0) return null;
  const [low, high] = [Math.min(...all) * 0.9, Math.max(...all) * 1.05 || 1];
  const x = (tail: number) => Math.round((Math.log10(tail) / Math.log10(tails.at(-1) ?? 0.001)) * WIDTH);
  const y = (ms: number) => Math.round((1 - (ms - low) / (high - low)) * HEIGHT);
  return {
    curves: known.toReversed().map(({ arm, curve, ...marked }) => ({
      arm,
      line: curve.map((ms, at) => `${x(tails[at] ?? 1)},${y(ms)}`).join(' '),
      dots: MARKED.map(([name, tail]) => ({ x: x(tail), y: y(marked[name]) })),
    })),
    upright: [...MARKED.map(([name, tail]) => ({ name, x: x(tail) })), { name: 'p99.9', x: WIDTH }],
    levels: ticksOf(low, high).map((ms) => ({ ms, y: y(ms) })),
  };
}
