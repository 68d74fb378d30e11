// Adds up the comparison of baseline and candidate over a window: one pair of releases at a time.
import { mergePaired } from '../../shared/measure/quality.ts';
import type { Paired, PairedClass } from '../../shared/measure/window.ts';
import { CLASSES_MAX, OTHER_CLASSES } from './arm-recorder.ts';
import type { FramePair } from './outcome.ts';
import { comparePair } from './pairing.ts';

/** Frames added up one by one before they are folded, so that recording a frame costs no merge. */
const UNFOLDED_MAX = 64;

export class PairRecorder {
  #unfolded: Paired[] = [];
  #offered = new Map<string, number>();

  record(pair: FramePair): void {
    const { classes, ...boxes } = comparePair(pair);
    this.#unfolded.push({
      baselineDigest: pair.baseline.ref.digest,
      candidateDigest: pair.candidate.ref.digest,
      frames: 1,
      offered: 0,
      classes: [...classes],
      ...boxes,
    });
    if (this.#unfolded.length >= UNFOLDED_MAX) this.#unfolded = [...mergePaired(this.#unfolded)];
  }

  offer(candidateDigest: string): void {
    this.#offered.set(candidateDigest, (this.#offered.get(candidateDigest) ?? 0) + 1);
  }

  /**
   * The comparison with the most frames, and how many pairs of releases there were (more than one: a switch). A shadow
   * that was offered frames and answered none is a comparison of no frames, or its missing coverage would not be seen.
   */
  take(baselineDigest: string | null): { readonly paired: Paired | null; readonly pairs: number } {
    const pairs = mergePaired([...this.#unfolded, ...this.#unanswered(baselineDigest)]);
    const [most] = [...pairs].sort((a, b) => b.frames - a.frames);
    const offered = most ? (this.#offered.get(most.candidateDigest) ?? 0) : 0;
    const paired = most ? { ...most, offered, classes: boundedClasses(most) } : null;
    this.#unfolded = [];
    this.#offered = new Map();
    return { paired, pairs: pairs.length };
  }

  #unanswered(baselineDigest: string | null): readonly Paired[] {
    if (baselineDigest === null) return [];
    const answered = new Set(this.#unfolded.map((paired) => paired.candidateDigest));
    const silent = [...this.#offered.keys()].filter((digest) => !answered.has(digest));
    return silent.map((candidateDigest) => ({ ...NO_FRAMES, baselineDigest, candidateDigest }));
  }
}

// The classes with the least evidence go into one, so that the comparison stays small and its sums whole.
function boundedClasses(paired: Paired): Paired['classes'] {
  if (paired.classes.length <= CLASSES_MAX) return paired.classes;
  const evidence = (entry: PairedClass) => entry.baselineConfident + entry.candidateConfident;
  const ranked = [...paired.classes].sort((a, b) => evidence(b) - evidence(a));
  const rest = ranked.slice(CLASSES_MAX).map((entry) => ({ ...entry, class: OTHER_CLASSES }));
  const [merged] = mergePaired([
    { ...paired, classes: rest },
    { ...paired, classes: [] },
  ]);
  return [...ranked.slice(0, CLASSES_MAX), ...(merged?.classes ?? [])];
}

const NO_FRAMES = {
  frames: 0,
  offered: 0,
  classes: [],
  baselineBoxes: 0,
  baselineBorderline: 0,
  candidateBoxes: 0,
  candidateBorderline: 0,
};
