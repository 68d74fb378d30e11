// Which windows of a device may be compared: the candidate's since its switch, the baseline's before the rollout.
// Windows that lost something, span a switch or saw a bad camera are left out and counted.
import type { BusinessRecord } from '../../shared/measure/business.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
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
  /** Figures that people brought in, of any time; absent: none. */
  readonly business?: readonly BusinessRecord[];
  /** When it first answered with the candidate. */
  readonly servesSinceMs?: number | null;
};

/** Of a device: what counts for its candidate (or, for a control, meanwhile), and what lies before. */
export type BusinessSpans = { readonly since: readonly BusinessRecord[]; readonly before: readonly BusinessRecord[] };

export type Question = {
  readonly candidateDigest: string;
  readonly mode: StageMode;
  /** Evidence counts from here, after `settleMs` more. */
  readonly stageStartedAtMs: number;
  readonly settleMs: number;
  /** When the first stage on live frames began: what a device did before is its own past, the same for every device. */
  readonly liveSinceMs: number;
  /** When the first stage that answers with the candidate began; absent: none has. */
  readonly servedSinceMs?: number | null;
  /** Which part of a device's past counts, and how much of it there must be; absent: the later half, any. */
  readonly past?: Past;
};

export type Past = {
  readonly minMs: number;
  /** Hours of the day (UTC minutes, from and to, perhaps over midnight) that are alike; null: all. */
  readonly alike: { readonly fromMinute: number; readonly toMinute: number } | null;
};

/** A window and the arm in it that is looked at. */
export type Sample = { readonly window: Window; readonly arm: Arm };

export const EXCLUSIONS = ['partial', 'switch', 'settling', 'camera'] as const;
export type Exclusion = (typeof EXCLUSIONS)[number];
export type ExclusionCounts = Readonly<Record<Exclusion, number>>;

/** A device with the windows that count: `since` under the candidate (or, for a control, meanwhile), `before` under its baseline. */
export type Selected = Omit<DeviceHistory, 'before' | 'since' | 'business' | 'servesSinceMs'> & {
  readonly business?: BusinessSpans;
  readonly since: readonly Sample[];
  readonly before: readonly Sample[];
  /** Windows of the whole rollout in which both releases saw the same frames. */
  readonly paired: readonly Window[];
  readonly excluded: ExclusionCounts;
  /** Why the camera is not trusted, in words, when windows were left out for it. */
  readonly cameraFinding: string | null;
};

export function selectCandidate(history: DeviceHistory, question: Question): Selected {
  const role = question.mode === 'shadow' ? 'shadow' : 'candidate';
  const samples = history.since
    .filter((window) => window.startAtMs >= question.stageStartedAtMs)
    .flatMap((window) => sampleOf(window, question.candidateDigest, role));
  const settledAtMs = Math.min(...samples.map(({ window }) => window.startAtMs)) + question.settleMs;
  return select(history, question, { samples, settledAtMs, servesSinceMs: history.servesSinceMs ?? null });
}

export function selectControl(history: DeviceHistory, question: Question): Selected {
  const samples = history.since
    .filter((window) => window.startAtMs >= question.stageStartedAtMs && !carries(window, question.candidateDigest))
    .flatMap((window) => sampleOf(window, history.baselineDigest, 'baseline'));
  const settledAtMs = question.stageStartedAtMs + question.settleMs;
  return select(history, question, { samples, settledAtMs, servesSinceMs: question.servedSinceMs ?? null });
}

type Since = {
  readonly samples: readonly Sample[];
  readonly settledAtMs: number;
  readonly servesSinceMs: number | null;
};

function select(history: DeviceHistory, question: Question, { samples, settledAtMs, servesSinceMs }: Since): Selected {
  const { candidateDigest } = question;
  const { before: _before, since: _since, business, servesSinceMs: _serves, ...device } = history;
  const excluded = { partial: 0, switch: 0, settling: 0, camera: 0 };
  const since = samples.filter(({ window }) => {
    const why = window.startAtMs < settledAtMs ? 'settling' : whyExcluded(window);
    if (why !== null) excluded[why] += 1;
    return why === null;
  });
  const paired = history.since.filter(
    (window) => window.paired?.candidateDigest === candidateDigest && whyExcluded(window) === null,
  );
  const before = baselineBefore(history, question);
  const finding = excluded.camera === 0 ? null : cameraFinding(history.since);
  const figures = business === undefined ? {} : { business: spansOf(business, question, servesSinceMs) };
  return { ...device, ...figures, since, before, paired, excluded, cameraFinding: finding };
}

/** Whole spans only: one that began before the switch holds both releases. */
function spansOf(
  records: readonly BusinessRecord[],
  { liveSinceMs, servedSinceMs }: Question,
  servesSinceMs: number | null,
): BusinessSpans {
  const beganMs = servedSinceMs ?? null;
  return {
    since: servesSinceMs === null ? [] : records.filter(({ fromMs }) => fromMs >= servesSinceMs),
    before: records.filter(({ toMs }) => toMs <= (beganMs ?? liveSinceMs)),
  };
}

/** The beginning of what is known of a device may still hold a boot. */
const BOOT_MS = 15 * 60_000;

/**
 * Its own past, on the baseline alone; for a device that was not there yet, before it first carried the candidate. All of it
 * behind the boot counts, as what a past is unsure of is counted as change.
 */
function baselineBefore(
  history: DeviceHistory,
  { candidateDigest, liveSinceMs, past: asked }: Question,
): readonly Sample[] {
  const usable = (windows: readonly Window[]) =>
    windows
      .filter((window) => whyExcluded(window) === null && !carries(window, candidateDigest))
      .flatMap((window) => sampleOf(window, history.baselineDigest, 'baseline'));
  const past = usable([...history.before, ...history.since.filter(({ endAtMs }) => endAtMs <= liveSinceMs)]);
  const alike = alikeOf(past, asked);
  if (alike.length > 0) return lasts(alike) >= (asked?.minMs ?? 0) ? alike : [];
  const first = history.since.find((window) => carries(window, candidateDigest));
  return first ? usable(history.since.filter((window) => window.endAtMs <= first.startAtMs)) : [];
}

/** The hours of the day that the stage runs at, where the past has them; else all of it behind its boot. */
function alikeOf(past: readonly Sample[], asked: Past | undefined): readonly Sample[] {
  const hours = asked?.alike ?? null;
  const same = hours === null ? [] : past.filter(({ window }) => isAlike(window, hours));
  return same.length > 0 && lasts(same) >= (asked?.minMs ?? 0) ? same : behindBoot(past);
}

/** A quarter of an hour is left out for a boot, half of a shorter past. */
function behindBoot(past: readonly Sample[]): readonly Sample[] {
  const bootedAtMs = (past[0]?.window.startAtMs ?? 0) + BOOT_MS;
  return past.filter(({ window }, at) => window.startAtMs >= bootedAtMs || at >= Math.floor(past.length / 2));
}

function isAlike({ startAtMs, endAtMs }: Window, { fromMinute, toMinute }: NonNullable<Past['alike']>): boolean {
  const minute = Math.floor((startAtMs + endAtMs) / 2 / 60_000) % 1440;
  return fromMinute <= toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute;
}

function lasts(samples: readonly Sample[]): number {
  return samples.reduce((ms, { window }) => ms + window.endAtMs - window.startAtMs, 0);
}

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

function sampleOf(window: Window, digest: string, role: Arm['role']): readonly Sample[] {
  const arm = window.arms.find((candidate) => candidate.digest === digest && candidate.role === role);
  return arm && arm.frames > 0 ? [{ window, arm }] : [];
}

function carries(window: Window, digest: string): boolean {
  return window.arms.some((arm) => arm.digest === digest && arm.frames > 0);
}

function cameraFinding(windows: readonly Window[]): string | null {
  const camera = windows.flatMap((window) => window.cameras).findLast(({ healthy }) => healthy === false);
  return camera ? `camera ${camera.cameraId}: ${camera.finding ?? 'not healthy'}` : null;
}
