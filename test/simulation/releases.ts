// The releases of a simulated fleet and how each behaves on a device: most are good, some fail in one of the ways that
// releases fail in. The factory release is always good: without it a device could have nothing to answer with.

import type { Random } from '../../control-plane/core/random.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';

/** What is wrong with a release. */
export type Flaw =
  | 'none'
  /** Its runner dies after a while, of native code or of memory. */
  | 'crashes'
  | 'runs-out-of-memory'
  /** Its runner stops answering, for ever. */
  | 'hangs'
  /** Some of its answers are not finite, or fail. */
  | 'not-finite'
  | 'faults'
  /** Answers are late, now and then past their deadline. */
  | 'slow'
  | 'fails-its-proof'
  | 'does-not-load'
  /** Takes the whole box down while it is proven or loaded. */
  | 'kills-the-box';

export type SimRelease = ReleaseRef & {
  readonly flaw: Flaw;
  /** Share of devices on which the flaw shows. */
  readonly share: number;
  readonly serviceMs: number;
};

const FLAWS: readonly Flaw[] = [
  'none',
  'none',
  'none',
  'none',
  'crashes',
  'runs-out-of-memory',
  'hangs',
  'not-finite',
  'faults',
  'slow',
  'slow',
  'fails-its-proof',
  'does-not-load',
  'kills-the-box',
];

/** The factory release and the candidates that the operator will roll out, in this order. */
export function drawReleases(random: Random, candidates: number): readonly SimRelease[] {
  const factory: SimRelease = { ...refOf(0), flaw: 'none', share: 0, serviceMs: 120 };
  const drawn = Array.from({ length: candidates }, (_, at): SimRelease => {
    return {
      ...refOf(at + 1),
      flaw: random.pick(FLAWS),
      share: random.pick([0.15, 0.5, 1]),
      serviceMs: random.between(60, 400),
    };
  });
  return [factory, ...drawn];
}

function refOf(index: number): ReleaseRef {
  const digest = `${index.toString(16)}a`.repeat(32).slice(0, 64);
  return { release: `cv-detector:${index + 1}.0.0+data=b4f7a1`, digest };
}
