// Accumulates one window: arms, comparison, cameras, sensors. It reads no clock and writes nowhere; telemetry does.
import { addCounts } from '../../shared/measure/quality.ts';
import type { Arm, CameraWindow, Paired, Sensors } from '../../shared/measure/window.ts';
import { ArmRecorder, type ProcessUse } from './arm-recorder.ts';
import { type CameraVerdict, type HealthReference, NO_VERDICT } from './camera-health.ts';
import { CameraRecorder } from './camera-recorder.ts';
import type { CameraCounts, FrameOutcome, FramePair, HealthSample, ServingRole } from './outcome.ts';
import { PairRecorder } from './pair-recorder.ts';
import { addReading, NO_READINGS } from './sensor-window.ts';

/** As many as a window may carry. */
const ARMS_MAX = 8;
const CAMERAS_MAX = 16;

export type Recorded = {
  readonly arms: Arm[];
  readonly paired: Paired | null;
  readonly cameras: CameraWindow[];
  readonly sensors: Sensors;
  /** Reasons why it is incomplete; none = it may be judged. */
  readonly partial: readonly string[];
};

export type TakeFacts = {
  readonly activeMsByRole: Readonly<Partial<Record<ServingRole, number>>>;
  readonly processUse: (digest: string, role: ServingRole) => ProcessUse;
};

export class WindowRecorder {
  readonly #references: ReadonlyMap<string, HealthReference>;
  readonly #pairs = new PairRecorder();
  readonly #cameras = new Map<string, CameraRecorder>();
  #arms = new Map<string, ArmRecorder>();
  #readings = NO_READINGS;
  #partial = new Set<string>();

  constructor(references: ReadonlyMap<string, HealthReference>) {
    this.#references = references;
  }

  outcome(outcome: FrameOutcome): void {
    const counts = this.#arm(outcome).record(outcome);
    // The release that answers speaks for the camera; a shadow may see only every n-th frame.
    if (counts && outcome.role !== 'shadow') this.#camera(outcome.cameraId)?.addTracks(counts);
  }

  offered(digest: string): void {
    this.#pairs.offer(digest);
  }

  pair(pair: FramePair): void {
    this.#pairs.record(pair);
  }

  cameraCounts(cameraId: string, counts: CameraCounts): void {
    this.#camera(cameraId)?.addCounts(counts);
  }

  cameraSample(cameraId: string, sample: HealthSample): void {
    this.#camera(cameraId)?.addSample(sample);
  }

  cameraLost(cameraId: string, lostMs: number): void {
    this.#camera(cameraId)?.addLost(lostMs);
  }

  sensors(reading: Sensors): void {
    this.#readings = addReading(this.#readings, reading);
  }

  markPartial(reason: string): void {
    this.#partial.add(reason);
  }

  cameraVerdict(cameraId: string): CameraVerdict {
    return this.#cameras.get(cameraId)?.verdict() ?? NO_VERDICT;
  }

  references(): ReadonlyMap<string, HealthReference> {
    const learned = [...this.#cameras].flatMap(([id, camera]) =>
      camera.reference ? [[id, camera.reference] as const] : [],
    );
    return new Map([...this.#references, ...learned]);
  }

  /** Hands out the window and starts the next one. Arms without a frame in it are left out and forgotten. */
  take(facts: TakeFacts): Recorded {
    const arms = this.#takeArms(facts);
    const baseline = arms.find((arm) => arm.role === 'baseline')?.digest ?? null;
    const { paired, pairs } = this.#pairs.take(baseline);
    if (pairs > 1) this.markPartial('the compared releases changed inside the window');
    const recorded = {
      arms,
      paired,
      cameras: [...this.#cameras.values()].map((camera) => camera.take()),
      sensors: this.#readings.sensors,
      partial: [...this.#partial],
    };
    this.#readings = NO_READINGS;
    this.#partial = new Set();
    return recorded;
  }

  #takeArms(facts: TakeFacts): Arm[] {
    const active = [...this.#arms].filter(([, arm]) => arm.frames > 0).sort(([, a], [, b]) => b.frames - a.frames);
    const kept = active.slice(0, ARMS_MAX).map(([, arm]) => arm);
    if (active.length > ARMS_MAX) this.markPartial(`more than ${ARMS_MAX} releases answered inside the window`);
    this.#arms = new Map(active);
    // Added up first: taking an arm empties it.
    const framesByRole = addCounts(kept.map((arm) => ({ [arm.role]: arm.frames })));
    return kept.map((arm) => {
      const frames = framesByRole[arm.role] ?? arm.frames;
      if (arm.frames < frames) this.markPartial(`the ${arm.role} changed inside the window`);
      // Two releases in one role share its time as they share its frames.
      const activeMs = ((facts.activeMsByRole[arm.role] ?? 0) * arm.frames) / frames;
      return arm.take(activeMs, facts.processUse(arm.release.digest, arm.role));
    });
  }

  #arm({ release, role }: FrameOutcome): ArmRecorder {
    const key = `${release.digest} ${role}`;
    const known = this.#arms.get(key) ?? new ArmRecorder(release, role);
    this.#arms.set(key, known);
    return known;
  }

  #camera(cameraId: string): CameraRecorder | null {
    const known = this.#cameras.get(cameraId);
    if (known) return known;
    if (this.#cameras.size >= CAMERAS_MAX) return null;
    const camera = new CameraRecorder(cameraId, this.#references.get(cameraId) ?? null);
    this.#cameras.set(cameraId, camera);
    return camera;
  }
}
