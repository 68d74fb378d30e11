// Which way a change of a running rollout goes, field by field: what makes it harder to promote, or easier to go back, is tighter.
// A field without a rule is never called tighter: it needs approval.

import { formatDuration } from './durations.ts';
import type { Expression } from './expression.ts';
import { describeLimit, describeMetric, trim } from './expression-text.ts';

export type ChangeKind = 'tighten' | 'loosen' | 'forbidden' | 'neutral';

/** Both values are there and differ. */
export type ChangeRule = {
  readonly judge: (before: unknown, after: unknown) => ChangeKind;
  readonly show?: (value: unknown) => string;
};

type Show = (value: unknown) => string;

const duration: Show = (value) => (typeof value === 'number' ? formatDuration(value) : 'none');
const plain: Show = (value) => (typeof value === 'number' ? trim(value) : (JSON.stringify(value ?? null) ?? 'none'));
const percent: Show = (value) => (typeof value === 'number' ? `${trim(value)} %` : 'none');

const NEUTRAL: ChangeRule = { judge: () => 'neutral' };
const FORBIDDEN: ChangeRule = { judge: () => 'forbidden' };
/** Said in the table, so that nobody takes it for forgotten: neither way is known to be tighter. */
const EITHER: ChangeRule = { judge: () => 'loosen' };

/** Larger is tighter. `null` switches it off, which is the loosest of all. */
function more(show: Show = plain): ChangeRule {
  return { judge: (before, after) => byOrder(strengthOf(before), strengthOf(after)), show };
}

function less(show: Show = plain): ChangeRule {
  return { judge: (before, after) => byOrder(strengthOf(before, -1), strengthOf(after, -1)), show };
}

/** Loosest first. */
function rank(...values: readonly unknown[]): ChangeRule {
  const placeOf = (value: unknown) => (values.includes(value) ? values.indexOf(value) : null);
  return { judge: (before, after) => byOrder(placeOf(before), placeOf(after)) };
}

/** Every element of a list is one more condition. `all`: what null stands for is everything. */
function wider({ all = false } = {}): ChangeRule {
  return {
    judge: (before, after) => {
      if (all && (before === null || after === null)) return after === null ? 'tighten' : 'loosen';
      return byInclusion(elementsOf(before), elementsOf(after));
    },
    show: showList,
  };
}

/** Every element of a list is one more way to go on; none at all stands for any. */
const NARROWER: ChangeRule = {
  judge: (before, after) => {
    const [old, now] = [elementsOf(before), elementsOf(after)];
    if (old.size === 0 || now.size === 0) return old.size === 0 ? 'tighten' : 'loosen';
    return byInclusion(now, old);
  },
  show: showList,
};

const LIMIT: ChangeRule = {
  judge: (before, after) => {
    const [old, now] = [expressionOf(before), expressionOf(after)];
    if (old === null || now === null || !isSameMeasure(old, now)) return 'loosen';
    const direction = now.comparison.relation === '>=' ? 1 : -1;
    const byLimit = byOrder(direction * old.comparison.value, direction * now.comparison.value);
    const byTime = byOrder(-old.forMs, -now.forMs);
    return byLimit === 'loosen' || byTime === 'loosen' ? 'loosen' : byLimit === 'neutral' ? byTime : byLimit;
  },
  show: (value) => {
    const expression = expressionOf(value);
    if (expression === null) return 'none';
    const lasting = expression.forMs > 0 ? ` for ${formatDuration(expression.forMs)}` : '';
    return `${describeMetric(expression)} ${describeLimit(expression.comparison)}${lasting}`;
  },
};

/** No schedule is open at any time. */
const SCHEDULE: ChangeRule = {
  judge: (before, after) => (before === null ? 'tighten' : after === null ? 'loosen' : 'neutral'),
  show: (value) => (value === null ? 'at any time' : 'windows'),
};

/** By path; `[]`: an item that is found by its name, `*`: any name. */
export const REVISION_RULES: Readonly<Record<string, ChangeRule>> = {
  'metadata.name': FORBIDDEN,
  'metadata.labels': NEUTRAL,
  'metadata.ticket': NEUTRAL,
  'spec.candidate': FORBIDDEN,
  'spec.baseline': FORBIDDEN,
  'spec.cohort': FORBIDDEN,
  // What had to hold before the start.
  'spec.requires': NEUTRAL,
  'spec.owners.primary': NEUTRAL,
  'spec.owners.backup': NEUTRAL,
  'spec.owners.notify': NEUTRAL,
  'spec.owners.approvers': NARROWER,
  'spec.schedule': SCHEDULE,
  'spec.schedule.windows': NARROWER,
  'spec.schedule.freeze': wider(),
  'spec.schedule.coverPeakShift': rank(false, true),
  'spec.stages[].percent': less(percent),
  'spec.stages[].count': less(),
  'spec.stages[].mode': EITHER,
  'spec.stages[].bake': more(duration),
  'spec.stages[].extend.times': less(),
  'spec.stages[].extend.eachMs': more(duration),
  'spec.stages[].sampleEvery': EITHER,
  'spec.stages[].promote': rank('auto', 'manual', 'approval'),
  'spec.stages[].approvals': more(),
  'spec.stages[].holdback': more(percent),
  'spec.stages[].judge': rank('noBreach', 'range'),
  'spec.stages[].minCoverage': more(percent),
  'spec.guardrails[].expr': LIMIT,
  'spec.guardrails[].events': wider(),
  'spec.guardrails[].tolerated': less(),
  'spec.guardrails[].ignoreWorstDevices': EITHER,
  'spec.guardrails[].enforce': rank('observe', 'hold', 'rollback'),
  'spec.guardrails[].stages': wider({ all: true }),
  'spec.guardrails[].classes': wider({ all: true }),
  'spec.guardrails[].for': less(duration),
  'spec.guardrails[].minimum': EITHER,
  'spec.analysis.settle': EITHER,
  'spec.analysis.minimum': EITHER,
  'spec.analysis.missing.stale': less(duration),
  'spec.analysis.missing.maxSilent': less(percent),
  'spec.analysis.falseRollback': more(String),
  'spec.analysis.promoteConfidence': more(String),
  'spec.analysis.balance.alpha': more(String),
  'spec.analysis.balance.action': rank('observe', 'hold'),
  'spec.limits.fpsFloor': more(),
  'spec.limits.fpsForMs': less(duration),
  'spec.limits.latencyRatio': less(),
  'spec.limits.latencyForMs': less(duration),
  'spec.limits.errorStreak': less(),
  'spec.limits.emptyForMs': less(duration),
  'spec.limits.alertRatio': less(),
  'spec.limits.alertForMs': EITHER,
  'spec.limits.alertsMin': less(),
  'spec.limits.temperatureCeilingC': less(),
  'spec.limits.temperatureForMs': less(duration),
  'spec.limits.throttleForMs': less(duration),
  'spec.limits.batteryFloorPct': more(),
  'spec.limits.batteryForMs': less(duration),
  'spec.limits.batteryDrainRatio': less(),
  'spec.limits.batteryDrainForMs': less(duration),
  'spec.limits.rssSlopeMbPerMin': less(),
  'spec.limits.rssSlopeForMs': less(duration),
  'spec.limits.coolDownMs': more(duration),
  'spec.limits.deadlineFloorMs': less(duration),
  'spec.limits.deadlineRatio': less(),
  'spec.limits.deadlineCapMs': less(duration),
  'spec.limits.deadlineMisses': less(),
  'spec.limits.deadlineWindowMs': more(duration),
  'spec.lease.ttl': less(duration),
  'spec.lease.onLapse': rank('hold', 'revert'),
  'spec.lease.sites.*.ttl': less(duration),
  'spec.lease.sites.*.onLapse': rank('hold', 'revert'),
  'spec.requireWarm': rank(false, true),
  'spec.promotion.inconclusive.then': rank('extend', 'hold'),
  'spec.promotion.inconclusive.afterExtensions': rank('hold', 'rollback'),
  'spec.promotion.inconclusive.timeout': less(duration),
  'spec.promotion.inconclusive.onTimeout': rank('stay', 'rollback'),
  'spec.abort.onBreach': rank('freeze', 'hold', 'rollback'),
  'spec.abort.cooldown': more(duration),
  'spec.abort.deviceReverts.percent': less(percent),
  'spec.abort.deviceReverts.min': less(),
  'spec.abort.killSwitch.ack': less(duration),
  'spec.abort.killSwitch.escalateUnacked': rank(false, true),
  'spec.abort.factoryScope': rank(true, false),
  'spec.abort.verify.for': more(duration),
  'spec.abort.verify.expr': LIMIT,
  'spec.after.retainBaseline': more(duration),
  'spec.after.archive': NEUTRAL,
  'spec.after.conclude': rank('markStable', 'none'),
};

/** Null: not to be compared. */
function strengthOf(value: unknown, direction: 1 | -1 = 1): number | null {
  if (value === null) return Number.NEGATIVE_INFINITY;
  return typeof value === 'number' ? direction * value : null;
}

function byOrder(before: number | null, after: number | null): ChangeKind {
  if (before === null || after === null) return 'loosen';
  return after > before ? 'tighten' : after < before ? 'loosen' : 'neutral';
}

function byInclusion(before: ReadonlySet<string>, after: ReadonlySet<string>): ChangeKind {
  return [...before].every((element) => after.has(element)) ? 'tighten' : 'loosen';
}

/** What people wrote of it, where that is kept. */
function elementsOf(list: unknown): ReadonlySet<string> {
  return new Set(Array.isArray(list) ? list.map(textOf) : []);
}

function textOf(element: unknown): string {
  if (typeof element === 'string') return element;
  const isWritten = typeof element === 'object' && element !== null && 'text' in element;
  return isWritten ? String(element.text) : JSON.stringify(element);
}

function showList(list: unknown): string {
  if (list === null) return 'all';
  const elements = [...elementsOf(list)];
  return elements.length === 0 ? 'none' : elements.join(', ');
}

function expressionOf(value: unknown): Expression | null {
  const isRead = typeof value === 'object' && value !== null && 'parsed' in value;
  return isRead ? (value.parsed as Expression) : null;
}

function isSameMeasure(a: Expression, b: Expression): boolean {
  const subject = ({ comparison, forMs, ...what }: Expression) =>
    JSON.stringify([what, comparison.kind, comparison.relation, comparison.unit, typeof forMs]);
  return subject(a) === subject(b);
}
