// The smallest regression that a stage finds: put in ever larger ones, and ask the production judge. No table and no formula of its
// own; when the judge changes, so does this.
import { signed, trim, unitText } from '../../../shared/rollout/expression-text.ts';
import type { Visible } from '../../../shared/rollout/outlook.ts';
import { sum } from '../device-metrics.ts';
import type { Evidence } from '../evidence.ts';
import { type Scale, scaleOf } from '../guardrails.ts';
import { type Incident, judgeIncidents } from '../incident-verdict.ts';
import { judgeScopes } from '../slices.ts';
import { changeInterval, goldenInterval, shareInterval } from '../uncertainty.ts';
import { inject, injectRule } from './inject.ts';
import { whyNotFromBaseline } from './recorded.ts';
import type { Judged } from './trial.ts';

/** It is found in so many standard errors of bad luck: 9 of 10 rollouts. */
const LUCK = 1.2816;
/** Halvings between a regression that is seen and one that is not: to a part in four thousand. */
const STEPS = 12;
/** Nothing that a guardrail is for is larger than this many times what matters to it. */
const LARGEST = 64;

export function smallestVisible(judged: Judged, basis: Visible['basis']): Visible {
  const { guardrail } = judged;
  const found = guardrail.incident ? incidentsNeeded(judged) : regressionNeeded(judged);
  return { guardrail: guardrail.id, ...found, basis };
}

type Found = Pick<Visible, 'value' | 'text'>;

function regressionNeeded(judged: Judged): Found {
  const { guardrail, evidence } = judged;
  const why = whyNotFromBaseline(guardrail);
  if (why !== null || evidence === null) return { value: null, text: why ?? 'not measured' };
  const scale = scaleOf(guardrail.expression);
  const standing = standingOf(evidence, scale);
  if (standing === null) return { value: null, text: 'too little was recorded to say' };
  const direction = scale.high === null ? -1 : 1;
  const isSeen = (size: number): boolean =>
    isBreach(judged, direction * Math.max(0, size - standing.luck) - standing.centre);
  const size = smallest(isSeen, scale.tau / 64);
  if (size === null) return { value: null, text: whyBlind(judged) };
  const at = direction * size + standing.level;
  const text = `${scale.isChange ? signed(scale.show(at)) : trim(scale.show(at))} ${unitText(scale.unit)}`;
  return { value: scale.show(at), text };
}

type Standing = {
  /** What has to be taken off so that nothing is different; and where a plain value stands by itself. */
  readonly centre: number;
  readonly level: number;
  /** How far bad luck hides a regression, on the comparison scale. */
  readonly luck: number;
};

function standingOf(evidence: Evidence, { perPercent, isChange }: Scale): Standing | null {
  if (evidence.kind === 'golden') {
    const known = evidence.classes.filter(({ candidate }) => candidate !== null);
    const errors = known.map(({ candidate, baseline, devices }) =>
      candidate === null ? 0 : goldenInterval(candidate, baseline, devices).standardError,
    );
    const level = isChange ? 0 : Math.min(...known.map(({ candidate }) => candidate?.share ?? 1));
    return known.length === 0 ? null : { centre: 0, level, luck: LUCK * Math.max(...errors) };
  }
  if (evidence.kind === 'shares') {
    if (sum(evidence.devices, ({ total }) => total) === 0) return null;
    const { estimate, standardError } = shareInterval(evidence.devices, 'absolute');
    return { centre: 0, level: estimate, luck: LUCK * standardError };
  }
  if (evidence.candidates.length === 0) return null;
  const interval = changeInterval(evidence.candidates, evidence.controls, evidence.basis);
  if (interval === null) return null;
  const unseen = interval.unseen * (perPercent * 100) ** 2;
  const luck = LUCK * Math.sqrt(interval.standardError ** 2 + unseen);
  const isPlain = evidence.basis === 'absolute';
  return { centre: isPlain ? 0 : interval.estimate, level: isPlain ? interval.estimate : 0, luck };
}

function isBreach({ guardrail, evidence, rule, slices }: Judged, amount: number): boolean {
  if (evidence === null) return false;
  // Parts of the fleet keep their share of the error, and are not asked: the luck of the smallest would speak for the whole.
  const silent = slices.map((slice) => ({ ...slice, holds: () => false }));
  const verdict = judgeScopes(guardrail, inject(evidence, amount), { ...injectRule(rule, amount), slices: silent });
  return verdict.verdict === 'breach';
}

/** By doubling, then by halving; null when not even the largest is seen. */
function smallest(isSeen: (size: number) => boolean, first: number): number | null {
  let high = first;
  while (!isSeen(high)) {
    high *= 2;
    if (high > first * 64 * LARGEST) return null;
  }
  let low = high === first ? 0 : high / 2;
  for (let step = 0; step < STEPS; step += 1) {
    const middle = (low + high) / 2;
    if (isSeen(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function whyBlind({ verdict }: Judged): string {
  const missing = verdict.minimums.find(({ met }) => !met);
  return missing ? `none: ${missing.have} ${missing.what}, needs ${missing.need}` : 'none that a device can have';
}

/** More than anybody would wait for. */
const INCIDENTS_MAX = 200;

/** Incidents of different candidates, with none elsewhere. */
function incidentsNeeded({ guardrail, incidents, rule }: Judged): Found {
  const kinds = guardrail.incident?.kinds ?? [];
  for (let count = 1; count <= INCIDENTS_MAX && kinds.length > 0; count += 1) {
    const told = Array.from({ length: count }, (_, at): Incident => incidentAt(at, incidents));
    const verdict = judgeIncidents(withAnyKind(guardrail), { ...incidents, incidents: told }, rule);
    if (verdict.verdict === 'breach') return { value: count, text: `${count} incident${count === 1 ? '' : 's'}` };
  }
  return { value: null, text: 'none: there is nobody to compare with' };
}

function incidentAt(at: number, { candidateDigest, sinceMs }: Judged['incidents']): Incident {
  return { site: 'any', device: `device-${at}`, kind: 'reverted', digest: candidateDigest, atMs: sinceMs };
}

/** Which kind it is does not matter to the count. */
function withAnyKind(guardrail: Judged['guardrail']): Judged['guardrail'] {
  return { ...guardrail, incident: { kinds: ['revert'], tolerated: guardrail.incident?.tolerated ?? 1 } };
}
