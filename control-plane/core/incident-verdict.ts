// Incidents (a runner that ends, a device that goes back by itself): do candidates have more than their share? An exact test, for what
// is too rare for means. One per device in 15 quiet minutes, as one fault tells itself many times.
import type { EventKind } from '../../shared/protocol/reports.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { INCIDENT_EVENTS } from '../../shared/rollout/incidents.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { incidentE } from './always-valid.ts';
import type { Rule } from './judge.ts';
import { check, emptyDraft, round } from './verdict-draft.ts';

/** An event as it was told; `digest` is the release that it is about. */
export type Incident = {
  readonly site: string;
  readonly device: string;
  readonly kind: EventKind;
  readonly digest: string | null;
  readonly atMs: number;
};

export type IncidentFacts = {
  readonly candidateDigest: string;
  /** Since the stage began, or since a person went on after incidents. */
  readonly sinceMs: number;
  readonly incidents: readonly Incident[];
  /** Devices that have the candidate, those that have not, and the former with enough evidence of life. */
  readonly candidates: number;
  readonly controls: number;
  readonly evaluated: number;
};

const QUIET_MS = 15 * 60_000;

export function judgeIncidents(guardrail: Guardrail, facts: IncidentFacts, rule: Rule): Verdict {
  const { kinds, tolerated } = guardrail.incident ?? { kinds: [], tolerated: 1 };
  const counted = countOnce(facts, new Set(kinds.flatMap((kind) => INCIDENT_EVENTS[kind])));
  const own = counted.filter(({ digest }) => digest === facts.candidateDigest);
  const devices = facts.candidates + facts.controls;
  const share = devices === 0 ? 1 : (tolerated * facts.candidates) / (tolerated * facts.candidates + facts.controls);
  const won = counted.map(({ digest }) => digest === facts.candidateDigest);
  const evidence = share > 0 && share < 1 ? incidentE(won, share) : 1;
  const expected = share * counted.length;
  const minimum = check(
    'devices with evidence',
    facts.evaluated,
    Math.min(guardrail.minimum.devices, Math.max(1, facts.candidates)),
  );
  const isBreach = evidence >= 1 / rule.alpha;
  const isFine = own.length === 0 || (share < 1 && own.length <= expected);
  const verdict = isBreach ? 'breach' : !minimum.met ? 'no-data' : isFine ? 'pass' : 'inconclusive';
  return {
    ...emptyDraft(guardrail),
    verdict,
    sentence: sentenceOf(guardrail, {
      verdict,
      own: own.length,
      all: counted.length,
      share,
      evidence,
      alpha: rule.alpha,
      minimum,
    }),
    n: facts.candidates,
    controls: facts.controls,
    spread: 'between objects',
    estimate: own.length,
    low: own.length,
    high: own.length,
    limitHigh: round(expected),
    count: counted.length,
    minimums: [minimum],
    alpha: rule.alpha,
    boundary: 'incident',
    window: [Math.min(facts.sinceMs, rule.span.toMs), rule.span.toMs],
  };
}

/** Each device's events in order; one that follows another within the quiet time belongs to it. */
function countOnce({ incidents, sinceMs }: IncidentFacts, kinds: ReadonlySet<EventKind>): readonly Incident[] {
  const lastAtMs = new Map<string, number>();
  const relevant = incidents.filter(({ kind, atMs }) => kinds.has(kind) && atMs >= sinceMs);
  return relevant
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(({ site, device, atMs }) => {
      const key = `${site}/${device}`;
      const isNew = atMs - (lastAtMs.get(key) ?? -Infinity) >= QUIET_MS;
      lastAtMs.set(key, atMs);
      return isNew;
    });
}

type Told = {
  readonly verdict: Verdict['verdict'];
  readonly own: number;
  readonly all: number;
  readonly share: number;
  readonly evidence: number;
  readonly alpha: number;
  readonly minimum: ReturnType<typeof check>;
};

function sentenceOf({ title }: Guardrail, { verdict, own, all, share, evidence, alpha, minimum }: Told): string {
  const seen = `${own} of ${all} on candidates, which are ${(share * 100).toFixed(0)} % of the devices`;
  switch (verdict) {
    case 'breach':
      return `${title}: ${seen}: more than their share (evidence ${trimmed(evidence)}, ${trimmed(1 / alpha)} is enough)`;
    case 'no-data':
      return `${title}: no evidence: ${minimum.have} ${minimum.what}, needs ${minimum.need}`;
    case 'pass':
      return all === 0 ? `${title}: none on any device` : `${title}: ${seen}: not more than their share`;
    case 'inconclusive':
      return `${title}: ${seen}: may or may not be more than their share (evidence ${trimmed(evidence)}, ${trimmed(1 / alpha)} is enough)`;
  }
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(2)));
}
