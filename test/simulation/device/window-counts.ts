// The telemetry of a simulated device: counts of frames by release and role, closed into a window now and then. Only what
// the judge of a simulated rollout looks at is filled in.
import type { FrameOutcome, FramePair } from '../../../agent/telemetry/outcome.ts';
import { EMPTY_SKETCH, encodeSketch } from '../../../shared/measure/latency-sketch.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { Arm, Window } from '../../../shared/measure/window.ts';

type Counts = { frames: number; answered: number; errors: number };
type Header = Pick<
  Window,
  'site' | 'device' | 'boot' | 'startAtMs' | 'endAtMs' | 'hardwareClass' | 'cohortId' | 'generation' | 'killEpoch'
>;

const NO_PROXIES: Arm['proxies'] = {
  detections: 0,
  scoreSum: 0,
  byClass: {},
  borderline: 0,
  emptyFrames: 0,
  flickers: 0,
  trackFrames: 0,
  entropySum: 0,
};
const NO_TIMES = encodeSketch(EMPTY_SKETCH);

export class WindowCounts {
  #arms = new Map<string, { readonly outcome: FrameOutcome; readonly counts: Counts }>();
  #offered = 0;
  #paired: FramePair[] = [];
  isPartial = false;

  recordOutcome(outcome: FrameOutcome): void {
    const key = `${outcome.release.digest} ${outcome.role}`;
    const arm = this.#arms.get(key) ?? { outcome, counts: { frames: 0, answered: 0, errors: 0 } };
    this.#arms.set(key, arm);
    arm.counts.frames += 1;
    if (outcome.result.kind === 'answered') arm.counts.answered += 1;
    else arm.counts.errors += 1;
  }

  recordOffered(): void {
    this.#offered += 1;
  }

  recordPair(pair: FramePair): void {
    this.#paired.push(pair);
  }

  /** What was counted since the last call; `number` gives it its place in the sequence. */
  close(header: Header): (seq: number) => Window {
    const arms = [...this.#arms.values()].map(({ outcome, counts }) => armOf(outcome, counts, header));
    const [first] = this.#paired;
    const frames = this.#paired.length;
    const counts = { frames, offered: this.#offered, classes: [] };
    const boxes = { baselineBoxes: 0, baselineBorderline: 0, candidateBoxes: 0, candidateBorderline: 0 };
    const digests = first && { baselineDigest: first.baseline.ref.digest, candidateDigest: first.candidate.ref.digest };
    const paired = digests === undefined ? null : { ...digests, ...counts, ...boxes };
    const { isPartial } = this;
    this.#arms = new Map();
    this.#paired = [];
    this.#offered = 0;
    this.isPartial = false;
    return (seq) => {
      return {
        v: 1,
        seq,
        ...header,
        partial: isPartial,
        arms,
        paired,
        cameras: [],
        sensors: NO_SENSORS,
        spoolDropped: {},
      };
    };
  }
}

function armOf({ release, role }: FrameOutcome, counts: Counts, { startAtMs, endAtMs }: Header): Arm {
  const { frames, answered, errors } = counts;
  return {
    ...release,
    role,
    frames,
    answered,
    errors: errors === 0 ? {} : { fault: errors },
    latencyMs: NO_TIMES,
    runMs: NO_TIMES,
    activeMs: endAtMs - startAtMs,
    cpuSeconds: null,
    rssBytes: null,
    proxies: NO_PROXIES,
  };
}
