// Devices with the windows that they sent, and what such windows look like when a device is taken for a candidate: the same frames,
// told as answers of the candidate. Nothing is invented; only the label changes.
import type { Window } from '../../../shared/measure/window.ts';
import type { GoldenScore } from '../../../shared/protocol/golden-score.ts';
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import { metricRule } from '../../../shared/rollout/metrics.ts';

export type RecordedDevice = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly line: string | null;
  readonly baselineDigest: string;
  /** Golden scores that it reported of its baseline; null: none. */
  readonly baselineScores: readonly GoldenScore[] | null;
  /** Of the candidate, where it has proven it. */
  readonly candidateScores: readonly GoldenScore[] | null;
  /** Oldest first. */
  readonly windows: readonly Window[];
};

/** What the control plane reads of the time before a rollout. */
export const PAST_MS = 2 * 3_600_000;

export type Cut = { readonly before: readonly Window[]; readonly since: readonly Window[] };

/** As if a rollout had begun at `startAtMs`; `digest` takes the place of the baseline from then on, null: it stays. */
export function cutAt(device: RecordedDevice, startAtMs: number, relabelled: string | null): Cut {
  const { windows, baselineDigest } = device;
  const before = windows.filter((each) => each.endAtMs <= startAtMs && each.startAtMs >= startAtMs - PAST_MS);
  const since = windows.filter((each) => each.startAtMs >= startAtMs);
  return {
    before,
    since: relabelled === null ? since : since.map((each) => relabel(each, baselineDigest, relabelled)),
  };
}

function relabel(window: Window, baseline: string, candidate: string): Window {
  const arms = window.arms.map((arm) =>
    arm.digest === baseline && arm.role === 'baseline'
      ? { ...arm, digest: candidate, role: 'candidate' as const }
      : arm,
  );
  return { ...window, arms };
}

/** From the first to the end of the last window; null when there are none. */
export function spanOf(devices: readonly RecordedDevice[]): { readonly fromMs: number; readonly toMs: number } | null {
  const known = devices.filter(({ windows }) => windows.length > 0);
  if (known.length === 0) return null;
  return {
    fromMs: known.reduce((least, { windows }) => Math.min(least, windows[0]?.startAtMs ?? least), Infinity),
    toMs: known.reduce((most, { windows }) => Math.max(most, windows.at(-1)?.endAtMs ?? most), 0),
  };
}

/** Without windows that a candidate had a part in: what is left is the baseline alone, as an A/A needs it. */
export function withoutDigest(devices: readonly RecordedDevice[], digest: string): readonly RecordedDevice[] {
  return devices.map((device) => ({
    ...device,
    windows: device.windows.filter(({ arms }) => !arms.some((arm) => arm.digest === digest && arm.frames > 0)),
  }));
}

/** Whether windows of a baseline alone can say something about this guardrail; else why not. */
export function whyNotFromBaseline(guardrail: Guardrail): string | null {
  return metricRule(guardrail.expression.metric).source === 'paired'
    ? 'needs frames that both releases saw: known once the shadow stage runs'
    : null;
}
