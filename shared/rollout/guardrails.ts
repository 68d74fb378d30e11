// Guardrails as they are judged: the file's guardrails with minimums filled in and `per: class` expanded over the labels.
import type { Expression } from './expression.ts';
import { describeLimit, describeMetric, trim } from './expression-text.ts';
import type { IncidentKind } from './incidents.ts';
import type { ObjectiveSpec } from './life-sections.ts';
import { metricRule } from './metrics.ts';
import { suggestion } from './nearest-word.ts';
import type { Enforcement, GuardrailSpec, Minimum, RolloutSpec, StageSpec } from './rollout-file.ts';

export type Guardrail = {
  /** The file's id; `id/class` when it was expanded. */
  readonly id: string;
  readonly expression: Expression;
  /** In words: `p95 latency`, and its limit: `≤ +10 %`. */
  readonly title: string;
  readonly limitText: string;
  readonly enforce: Enforcement;
  readonly stages: readonly string[] | null;
  /** A breach counts once it has lasted this long. */
  readonly forMs: number;
  readonly minimum: Minimum;
  /** Instead of a measure: the events that count, and how many times its share a candidate may have. */
  readonly incident?: { readonly kinds: readonly IncidentKind[]; readonly tolerated: number } | null;
  /** Of an absolute limit; null: 1 when there are 3 devices or more. */
  readonly ignoreWorstDevices?: number | null;
  /** Not a limit but what the file wants to see improve: want of it holds the stage, and is never a breach. */
  readonly objective?: { readonly with: readonly string[] } | null;
};

export type LabelProblem = { readonly guardrail: string; readonly message: string };

/** One guardrail per class where the file asks for it; classes that the candidate does not know are problems. */
export function expandGuardrails(
  spec: Pick<RolloutSpec, 'guardrails' | 'analysis'> & Partial<Pick<RolloutSpec, 'objectives'>>,
  labels: readonly string[],
): { readonly guardrails: readonly Guardrail[]; readonly problems: readonly LabelProblem[] } {
  const guardrails = [
    ...spec.guardrails.flatMap((guardrail) => expandOne(guardrail, spec.analysis.minimum, labels)),
    ...(spec.objectives ?? []).map((objective) => objectiveOf(objective, spec.analysis.minimum)),
  ];
  const problems = guardrails
    .filter(({ expression }) => expression.class !== null && !labels.includes(expression.class))
    .map(({ id, expression }) => ({
      guardrail: id,
      message: `the candidate has no class "${expression.class}"${suggestion(expression.class ?? '', labels)}; it knows ${labels.join(', ')}`,
    }));
  return { guardrails, problems };
}

/** True when the guardrail is to be judged in this stage: asked for there, and its evidence exists in the stage's mode. */
export function appliesTo(
  guardrail: Pick<Guardrail, 'stages' | 'expression'>,
  stage: Pick<StageSpec, 'name' | 'mode'>,
): boolean {
  if (guardrail.stages !== null && !guardrail.stages.includes(stage.name)) return false;
  return metricRule(guardrail.expression.metric).modes.includes(stage.mode);
}

function expandOne(spec: GuardrailSpec, base: Minimum, labels: readonly string[]): readonly Guardrail[] {
  if (spec.per === null) return [guardrailOf(spec, base, spec.expr.parsed)];
  return (spec.classes ?? labels).map((label) =>
    guardrailOf({ ...spec, id: `${spec.id}/${label}` }, base, { ...spec.expr.parsed, class: label }),
  );
}

/** Judged like a guardrail, at its gate only. */
function objectiveOf(spec: ObjectiveSpec, base: Minimum): Guardrail {
  const expression = spec.expr.parsed;
  return {
    id: spec.id,
    expression,
    title: describeMetric(expression),
    limitText: describeLimit(expression.comparison),
    enforce: 'hold',
    stages: [spec.gate],
    forMs: 0,
    minimum: base,
    incident: null,
    objective: { with: spec.with },
  };
}

function guardrailOf(spec: GuardrailSpec, base: Minimum, expression: Expression): Guardrail {
  const { instances: _same, ...minimum } = { ...spec.minimum, objects: spec.minimum.objects ?? spec.minimum.instances };
  const given = Object.fromEntries(Object.entries(minimum).filter(([, value]) => value !== undefined));
  return {
    id: spec.id,
    expression,
    ...wordsOf(spec, expression),
    enforce: spec.enforce,
    stages: spec.stages,
    forMs: Math.max(spec.for, expression.forMs),
    minimum: { ...base, ...given },
    incident: spec.events === null ? null : { kinds: spec.events, tolerated: spec.tolerated },
    ignoreWorstDevices: spec.ignoreWorstDevices,
  };
}

function wordsOf(spec: GuardrailSpec, expression: Expression): Pick<Guardrail, 'title' | 'limitText'> {
  if (spec.events === null)
    return { title: describeMetric(expression), limitText: describeLimit(expression.comparison) };
  return { title: `incidents (${spec.events.join(', ')})`, limitText: `≤ ${trim(spec.tolerated)} × its share` };
}
