// What a drill has shown: times from the first bad frame, held against the two promises of a game day. Facts in, result out.
import type { DrillResult } from '../../shared/protocol/api-drills.ts';
import type { DrillFailure } from '../../shared/release/drill.ts';
import { list } from './decide.ts';

/** From the first bad frame until every reachable device answers with its baseline again. */
export const BACK_WITHIN_MS = 2 * 60_000;
/** The same from the decision: a person's, or the one that was taken for them. */
export const UNDONE_WITHIN_MS = 60_000;

/** Moments on one clock; null: it did not happen. */
export type DrillFacts = {
  readonly failure: DrillFailure;
  readonly assigned: number;
  readonly exposed: number;
  readonly firstBadAtMs: number | null;
  readonly detected: DrillMoment | null;
  readonly decided: DrillMoment | null;
  readonly backAtMs: number | null;
  readonly stragglers: readonly string[];
  readonly timeline: readonly { readonly atMs: number; readonly text: string }[];
  readonly assumptions: readonly string[];
};

export type DrillMoment = { readonly atMs: number; readonly by: string };

export function judgeDrill(facts: DrillFacts): DrillResult {
  const { firstBadAtMs, detected, decided, backAtMs, stragglers } = facts;
  const since = (fromMs: number | null, toMs: number | null | undefined) =>
    fromMs === null || toMs === null || toMs === undefined ? null : Math.max(0, toMs - fromMs);
  const promises = [
    promise('first-bad-frame-to-back', BACK_WITHIN_MS, since(firstBadAtMs, backAtMs)),
    promise('decision-to-back', UNDONE_WITHIN_MS, since(decided?.atMs ?? null, backAtMs)),
  ];
  const passed = detected !== null && stragglers.length === 0 && promises.every(({ kept }) => kept);
  const measured = {
    detectedAfterMs: since(firstBadAtMs, detected?.atMs),
    detectedBy: detected?.by ?? null,
    decidedAfterMs: since(firstBadAtMs, decided?.atMs),
    decidedBy: decided?.by ?? null,
    backAfterMs: since(firstBadAtMs, backAtMs),
  };
  return {
    passed,
    sentence: sentenceOf(facts, promises),
    assigned: facts.assigned,
    exposed: facts.exposed,
    ...measured,
    stragglers: [...stragglers],
    promises,
    timeline: facts.timeline.map(({ atMs, text }) => ({ afterMs: atMs - (firstBadAtMs ?? atMs), text })),
    assumptions: [...facts.assumptions],
  };
}

/** A drill that came to no end of its own: nothing was measured. */
export function failedDrill(sentence: string): DrillResult {
  const promises = [
    promise('first-bad-frame-to-back', BACK_WITHIN_MS, null),
    promise('decision-to-back', UNDONE_WITHIN_MS, null),
  ];
  const nothing = { detectedAfterMs: null, detectedBy: null, decidedAfterMs: null, decidedBy: null, backAfterMs: null };
  return {
    passed: false,
    sentence,
    assigned: 0,
    exposed: 0,
    ...nothing,
    stragglers: [],
    promises,
    timeline: [],
    assumptions: [],
  };
}

type Promised = DrillResult['promises'][number];

const PROMISED: Readonly<Record<Promised['id'], string>> = {
  'first-bad-frame-to-back': 'first bad frame → whole fleet back',
  'decision-to-back': 'decision → whole fleet back',
};

function promise(id: Promised['id'], limitMs: number, tookMs: number | null): Promised {
  return { id, what: PROMISED[id], limitMs, tookMs, kept: tookMs !== null && tookMs < limitMs };
}

function sentenceOf(facts: DrillFacts, promises: readonly Promised[]): string {
  const { failure, firstBadAtMs, detected, exposed, assigned, stragglers, backAtMs } = facts;
  if (firstBadAtMs === null)
    return `the failure "${failure}" never showed: none of ${assigned} devices came to try it; next: belay device explain on one of them`;
  if (detected === null)
    return `nobody found "${failure}" on ${exposed} of ${assigned} devices; next: tighten a guardrail or a device limit that covers it`;
  const found = `"${failure}" on ${exposed} of ${assigned} devices was found by ${detected.by} after ${seconds(detected.atMs - firstBadAtMs)}`;
  if (backAtMs === null)
    return `${found}; the fleet did not come back${stragglers.length === 0 ? '' : `: ${list(stragglers)}`}`;
  const missed = promises.filter(({ kept }) => !kept);
  const times = promises.map(
    ({ what, tookMs, limitMs }) => `${what} ${seconds(tookMs ?? 0)} (limit ${seconds(limitMs)})`,
  );
  const away = stragglers.length === 0 ? '' : `; not back: ${list(stragglers)}`;
  return `${found}; ${times.join(', ')}${missed.length === 0 ? '' : ' – not kept'}${away}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
