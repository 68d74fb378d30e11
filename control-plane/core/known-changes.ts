// What devices changed, worked out once for all guardrails that will ask, device by device: the sums of one device lie together in
// memory, and those of ten thousand do not fit into any cache.
import type { Expression } from '../../shared/rollout/expression.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { metricRule } from '../../shared/rollout/metrics.ts';
import type { DeviceChange } from './device-change.ts';
import { measure, measureChange } from './device-metrics.ts';
import type { ExclusionCounts } from './history.ts';
import { type ChangeRow, type KeptArms, type KeptChanges, type KeptRows, keepArms } from './kept-changes.ts';
import { NO_SCATTER } from './scatter.ts';
import type { Selected } from './selected.ts';
import { isDistance, nameOf, type Span } from './span-sum.ts';

type Arms = { readonly candidates: readonly Selected[]; readonly controls: readonly Selected[] };

/** In the order of the devices; null says nothing. */
export type Changes = {
  readonly candidates: ChangeRow;
  readonly controls: readonly DeviceChange[];
};

/** Of the very same devices and spans, from question to question. */
export type KnownChanges = {
  readonly asked: readonly Expression[];
  readonly found: Map<string, Changes>;
  /** Null: not counted yet. */
  counts: ArmCounts | null;
  /** By what is asked of a device. */
  readonly heard: Map<string, Heard>;
  /** What the last tick found for the same span; null: nothing. */
  readonly kept: KeptChanges | null;
  readonly arms: KeptArms | null;
};

/** Which candidates told enough to count against it, and enough for a pass, in their order; and the frames of the former. */
export type Heard = {
  readonly is: readonly boolean[];
  readonly isEvaluated: readonly boolean[];
  readonly frames: number;
};

/** What does not depend on the guardrail. */
export type ArmCounts = { readonly excluded: ExclusionCounts; readonly controlsAvailable: number };

/** With more devices than this the windows of each are not looked at: the spread between devices is known. */
const FEW_DEVICES = 40;

export function openKnown(
  guardrails: readonly Pick<Guardrail, 'expression'>[],
  kept: KeptChanges | null = null,
): KnownChanges {
  const asked = guardrails.map(({ expression }) => expression).filter(isOfChange);
  return { asked, found: new Map(), counts: null, heard: new Map(), kept, arms: kept?.whole ?? null };
}

/** For the last finished window, or for the running one, of which plain values alone are asked. */
export function anew({ asked, kept }: KnownChanges, which: 'finished' | 'running'): KnownChanges {
  if (which === 'running')
    return { asked: asked.filter(isAbsolute), found: new Map(), counts: null, heard: new Map(), kept, arms: null };
  return { asked, found: new Map(), counts: null, heard: new Map(), kept, arms: kept?.finished ?? null };
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
    for (const [each, changes] of workOut([expression, ...known.asked], arms, known.arms ?? keepArms()))
      known.found.set(each, changes);
  return known.found.get(name) ?? { candidates: [], controls: [] };
}

function workOut(
  asked: readonly Expression[],
  { candidates, controls }: Arms,
  kept: KeptArms,
): ReadonlyMap<string, Changes> {
  const withWindows = candidates.length + controls.length <= FEW_DEVICES;
  const all = [...new Map(asked.map((expression) => [nameOfChange(expression), expression]))];
  const compared = all.filter(([, expression]) => !isAbsolute(expression));
  const read = (rows: KeptRows, devices: readonly Selected[], columns: typeof all) =>
    rows.read(devices, {
      name: [withWindows, ...columns.map(([name]) => name)].join(),
      count: columns.length,
      changeBy: (device, row) => (columns[row] ? changeBy(device, columns[row][1]) : null),
      changeOf: (device, row, value) => changeOf(device, columns[row]?.[1], { value, withWindows }),
    });
  const ofControls = read(kept.controls, controls, compared).map((row) => row.filter((change) => change !== null));
  return new Map(
    read(kept.candidates, candidates, all).map((row, at) => {
      const [name = '', expression] = all[at] ?? [];
      const column = compared.findIndex(([, each]) => each === expression);
      return [name, { candidates: row, controls: ofControls[column] ?? [] }];
    }),
  );
}

function nameOfChange(expression: Expression): string {
  return `${isAbsolute(expression) ? 'absolute' : 'self'} ${nameOf(expression)}`;
}

function changeBy({ since, before }: Selected, expression: Expression): number | null {
  if (isAbsolute(expression)) return measure(since.totals, expression);
  if (since.windows === 0 || before.windows === 0) return null;
  return measureChange(since.totals, before.totals, expression);
}

type Found = { readonly value: number; readonly withWindows: boolean };

function changeOf(selected: Selected, expression: Expression | undefined, { value, withWindows }: Found): DeviceChange {
  const { since, before, site, device, hardwareClass } = selected;
  const change = { site, device, hardwareClass, change: value, since: NO_SCATTER, before: NO_SCATTER };
  if (!expression) return change;
  if (isAbsolute(expression)) return { ...change, since: since.scatter(expression) };
  if (!withWindows) return change;
  const scatter = (span: Span) => (isDistance(expression) ? span.distances(before.totals) : span.scatter(expression));
  return { ...change, since: scatter(since), before: scatter(before) };
}
