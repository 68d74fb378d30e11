// The words, shapes and colours of a device's condition: never one of them alone. No DOM here.
import type { LiveCondition } from '../../../../shared/protocol/api-live.ts';

export type ConditionLook = {
  readonly word: string;
  /** What it means, for the legend. */
  readonly means: string;
  /** Corners in a square of side 1. */
  readonly corners: readonly (readonly [number, number])[];
  /** Custom property of the colour. */
  readonly colour: string;
};

const FULL = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
] as const;

/** Worst first. */
export const CONDITIONS: Readonly<Record<LiveCondition, ConditionLook>> = {
  halted: { word: 'halted', means: 'no release answers', corners: FULL, colour: '--bad' },
  offline: {
    word: 'offline',
    means: 'not heard of',
    corners: [
      [0, 0.36],
      [1, 0.36],
      [1, 0.64],
      [0, 0.64],
    ],
    colour: '--ink-soft',
  },
  killed: {
    word: 'killed',
    means: 'a kill is in force here',
    corners: [
      [0, 0.2],
      [0.2, 0],
      [0.5, 0.3],
      [0.8, 0],
      [1, 0.2],
      [0.7, 0.5],
      [1, 0.8],
      [0.8, 1],
      [0.5, 0.7],
      [0.2, 1],
      [0, 0.8],
      [0.3, 0.5],
    ],
    colour: '--killed',
  },
  reverted: {
    word: 'reverted',
    means: 'took a candidate off by itself',
    corners: [
      [0, 0.5],
      [0.55, 0],
      [0.55, 0.3],
      [1, 0.3],
      [1, 0.7],
      [0.55, 0.7],
      [0.55, 1],
    ],
    colour: '--accent',
  },
  hot: {
    word: 'hot',
    means: 'throttled, or near its limit',
    corners: [
      [0.5, 0],
      [1, 1],
      [0, 1],
    ],
    colour: '--bad',
  },
  slow: {
    word: 'slow',
    means: 'far from its own usual pace',
    corners: [
      [0.05, 0],
      [0.95, 0],
      [0.05, 1],
      [0.95, 1],
    ],
    colour: '--warn',
  },
  blocked: {
    word: 'blocked',
    means: 'cannot do what is desired',
    corners: [
      [0.5, 0],
      [1, 0.5],
      [0.5, 1],
      [0, 0.5],
    ],
    colour: '--warn',
  },
  unknown: {
    word: 'unknown',
    means: 'nothing measured yet',
    corners: [
      [0.5, 0.25],
      [0.75, 0.5],
      [0.5, 0.75],
      [0.25, 0.5],
    ],
    colour: '--idle',
  },
  ok: {
    word: 'ok',
    means: 'as it should be',
    corners: [
      [0.33, 0.08],
      [0.67, 0.08],
      [0.92, 0.33],
      [0.92, 0.67],
      [0.67, 0.92],
      [0.33, 0.92],
      [0.08, 0.67],
      [0.08, 0.33],
    ],
    colour: '--ok',
  },
};

/** For `clip-path`. */
export function shapeOf(condition: LiveCondition): string {
  const corners = CONDITIONS[condition].corners.map(([x, y]) => `${x * 100}% ${y * 100}%`);
  return `polygon(${corners.join(',')})`;
}
