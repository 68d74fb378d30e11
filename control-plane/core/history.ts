// Which windows of a device may be compared: the candidate's since its switch, the baseline's before the rollout.
// Windows that lost something, span a switch or saw a bad camera are left out and counted.
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { Expression } from '../../shared/rollout/expression.ts';
import type { StageMode } from '../../shared/rollout/rollout-file.ts';

export type DeviceHistory = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly line: string | null;
  /** What it ran before the rollout. */
  readonly baselineDigest: string;
  /** Windows that ended before the rollout started, and windows since. */
  readonly before: readonly Window[];
  readonly since: readonly Window[];
};

export type Question = {
  readonly candidateDigest: string;
  readonly mode: StageMode;
  /** Evidence counts from here, after `settleMs` more. */
  readonly stageStartedAtMs: number;
  readonly settleMs: number;
  /** When the first stage on live frames began: what a device did before is its own past, the same for every device. */
  readonly liveSinceMs: number;
  /** Absent: every window is kept, and anything may be asked. */
  readonly keep?: Keep;
};

/** What must still be told when windows are forgotten: any span that begins here or later, and how windows scatter in these. */
export type Keep = {
  readonly fromMs: number;
  readonly guardrails: readonly { readonly expression: Expression }[];
};

/** A window and the arm in it that is looked at. */
export type Sample = { readonly window: Window; readonly arm: Arm };

export const EXCLUSIONS = ['partial', 'switch', 'settling', 'camera'] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];
export type ExclusionCounts = Readonly<Record<Exclusion, number>>;

/** Null when the window may be used. */
export function whyExcluded(window: Window): Exclusion | null {
  if (window.partial) return 'partial';
  if (isSwitch(window)) return 'switch';
  return window.cameras.some((camera) => camera.healthy === false) ? 'camera' : null;
}

/** More than one release answered live frames in it. */
function isSwitch({ arms }: Window): boolean {
  if (arms.length < 2) return false;
  const first = arms.find((arm) => arm.role !== 'shadow' && arm.answered > 0);
  return first !== undefined && arms.some((a) => a.role !== 'shadow' && a.answered > 0 && a.digest !== first.digest);
}

/** Null: that release did not see a frame in this role. */
export function sampleOf(window: Window, digest: string, role: Arm['role']): Sample | null {
  const arm = window.arms.find((candidate) => candidate.digest === digest && candidate.role === role);
  return arm && arm.frames > 0 ? { window, arm } : null;
}

export function carries(window: Window, digest: string): boolean {
  return window.arms.some((arm) => arm.digest === digest && arm.frames > 0);
}

/** What is wrong with a camera in it, in words. */
export function cameraFinding({ cameras }: Window): string | null {
  const camera = cameras.findLast(({ healthy }) => healthy === false);
  return camera ? `camera ${camera.cameraId}: ${camera.finding ?? 'not healthy'}` : null;
}

export type Past = {
  readonly before: readonly Window[];
  readonly since: readonly Window[];
};

/** The beginning of what is known of a device may still hold a boot. */
const BOOT_MS = 15 * 60_000;

/**
 * Its own past, on the baseline alone; for a device that was not there yet, before it first carried the candidate. A quarter of an hour
 * is left out for a boot, half of a shorter past; all of the rest counts, as what a past is unsure of is counted as change.
 */
export function baselineBefore(
  { before, since }: Past,
  { candidateDigest, liveSinceMs, baselineDigest }: Question & Pick<DeviceHistory, 'baselineDigest'>,
): readonly Sample[] {
  const usable = (windows: readonly Window[]) =>
    windows
      .filter((window) => whyExcluded(window) === null && !carries(window, candidateDigest))
      .map((window) => sampleOf(window, baselineDigest, 'baseline'))
      .filter((sample) => sample !== null);
  const past = usable([...before, ...since.filter(({ endAtMs }) => endAtMs <= liveSinceMs)]);
  const bootedAtMs = (past[0]?.window.startAtMs ?? 0) + BOOT_MS;
  const half = Math.floor(past.length / 2);
  if (past.length > 0) return past.filter(({ window }, at) => at >= half || window.startAtMs >= bootedAtMs);
  const first = since.find((window) => carries(window, candidateDigest));
  return first ? usable(since.filter((window) => window.endAtMs <= first.startAtMs)) : [];
}
