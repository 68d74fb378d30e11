// What devices changed, worked out once for all guardrails that will ask, device by device: the sums of one device lie together in
// memory, and those of ten thousand do not fit into any cache.
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { DeviceChange } from './device-change.ts';
import { measure, measureChange } from './device-metrics.ts';
import type { ExclusionCounts } from './history.ts';
import { NO_SCATTER } from './scatter.ts';
import type { Selected } from './selected.ts';
import { isDistance, nameOf, type Span } from './span-sum.ts';

type Arms = { readonly candidates: readonly Selected[]; readonly controls: readonly Selected[] };

/** In the order of the devices; null says nothing. */
export type Changes = {
  readonly candidates: readonly (DeviceChange | null)[];
  readonly controls: readonly DeviceChange[];
};

/** Of the very same devices and spans, from question to question. */
export type KnownChanges = {
  readonly asked: readonly Expression[];
  readonly found: Map<string, Changes>;
  /** Null: not counted yet. */
  counts: ArmCounts | null;
};

/** What does not depend on the guardrail. */
export type ArmCounts = { readonly excluded: ExclusionCounts; readonly controlsAvailable: number };

/** With more devices than this the windows of each are not looked at: the spread between devices is known. */
const FEW_DEVICES = 40;

export function openKnown(guardrails: readonly Pick<Guardrail, 'expression'>[]): KnownChanges {
  return { asked: guardrails.map(({ expression }) => expression).filter(isOfChange), found: new Map(), counts: null };
}

/** For another span; `absolute`: of plain values alone. */
export function anew({ asked }: KnownChanges, which: 'all' | 'absolute'): KnownChanges {
  return { asked: which === 'all' ? asked : asked.filter(isAbsolute), found: new Map(), counts: null };
}

/** Rates with a plain limit are pooled instead. */
export function isOfChange({ metric, comparison }: Expression): boolean {
  const isPooled = comparison.kind === 'absolute' && (metric === 'errors' || metric === 'dropped');
  return metricRule(metric).source === 'self' && !isPooled;
}

/** A distance is between a device and its own past: what the controls drift by meanwhile is subtracted, like any change. */
export function isAbsolute({ comparison, aggregate }: Expression): boolean {
  return comparison.kind === 'absolute' && aggregate !== 'js';
}

export function changesOf(expression: Expression, arms: Arms, known: KnownChanges): Changes {
  const name = nameOfChange(expression);
  if (!known.found.has(name))
    for (const [each, changes] of workOut([expression, ...known.asked], arms)) known.found.set(each, changes);
  return known.found.get(name) ?? { candidates: [], controls: [] };
}

function workOut(asked: readonly Expression[], { candidates, controls }: Arms): ReadonlyMap<string, Changes> {
  const withWindows = candidates.length + controls.length <= FEW_DEVICES;
  const open = (expression: Expression) => ({
    expression,
    changes: { candidates: [] as (DeviceChange | null)[], controls: [] as DeviceChange[] },
  });
  const columns = new Map(asked.map((expression) => [nameOfChange(expression), open(expression)]));
  const all = [...columns.values()];
  for (const selected of candidates)
    for (const { expression, changes } of all) changes.candidates.push(changeOf(selected, expression, withWindows));
  const compared = all.filter(({ expression }) => !isAbsolute(expression));
  for (const selected of controls)
    for (const { expression, changes } of compared) {
      const change = changeOf(selected, expression, withWindows);
      if (change !== null) changes.controls.push(change);
    }
  return new Map([...columns].map(([name, { changes }]) => [name, changes]));
}

function nameOfChange(expression: Expression): string {
  return `${isAbsolute(expression) ? 'absolute' : 'self'} ${nameOf(expression)}`;
}

function changeOf(selected: Selected, expression: Expression, withWindows: boolean): DeviceChange | null {
  const { since, before, site, device, hardwareClass } = selected;
  if (isAbsolute(expression)) {
    const value = measure(since.totals, expression);
    if (value === null) return null;
    return { site, device, hardwareClass, change: value, since: since.scatter(expression), before: NO_SCATTER };
  }
  if (since.windows === 0 || before.windows === 0) return null;
  const change = measureChange(since.totals, before.totals, expression);
  if (change === null) return null;
  const scatter = (span: Span) => {
    if (!withWindows) return NO_SCATTER;
    return isDistance(expression) ? span.distances(before.totals) : span.scatter(expression);
  };
  return { site, device, hardwareClass, change, since: scatter(since), before: scatter(before) };
}
