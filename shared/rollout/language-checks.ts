// Checks of a rollout file about what must improve, what devices judge by themselves, and limits that only make sense together.
import { localLimits, whyNotLocal } from './device-rule.ts';
import type { Comparison } from './expression.ts';
import type { ObjectiveSpec } from './life-sections.ts';
import { metricRule } from './metrics.ts';
import { suggestion } from './nearest-word.ts';
import type { GuardrailSpec, StageSpec } from './rollout-file.ts';

type Problem = { readonly path: readonly (string | number)[]; readonly message: string };
type Indexed<T> = { readonly index: number; readonly value: T };
type Parts = { readonly stages: readonly Indexed<StageSpec>[]; readonly guardrails: readonly Indexed<GuardrailSpec>[] };

export function checkObjectives(objectives: readonly Indexed<ObjectiveSpec>[], parts: Parts): Problem[] {
  return objectives.flatMap(({ index, value }) =>
    [...checkGate(value, parts), ...checkWith(value, parts), ...checkWish(value, parts)].map(({ path, message }) => ({
      path: ['spec', 'objectives', index, ...path],
      message,
    })),
  );
}

function checkGate({ gate, expr }: ObjectiveSpec, { stages }: Parts): Problem[] {
  const stage = stages.find(({ value }) => value.name === gate)?.value;
  const names = stages.map(({ value }) => value.name);
  if (!stage) return [{ path: ['gate'], message: `no stage is named "${gate}"${suggestion(gate, names)}` }];
  const { modes } = metricRule(expr.parsed.metric);
  if (modes.includes(stage.mode)) return [];
  const message = `${expr.parsed.metric} is judged in stages of mode ${modes.join(' or ')}, and "${gate}" is ${stage.mode}`;
  return [{ path: ['gate'], message }];
}

/** A guardrail that is not judged there could never be shown to hold there. */
function checkWith({ gate, with: ids }: ObjectiveSpec, { stages, guardrails }: Parts): Problem[] {
  const stage = stages.find(({ value }) => value.name === gate)?.value;
  return ids.flatMap((id, at) => {
    const guardrail = guardrails.find(({ value }) => value.id === id)?.value;
    const known = guardrails.map(({ value }) => value.id);
    if (!guardrail) return [{ path: ['with', at], message: `no guardrail is named "${id}"${suggestion(id, known)}` }];
    if (!stage || isJudgedIn(guardrail, stage)) return [];
    return [{ path: ['with', at], message: `"${id}" is not judged in stage "${gate}"` }];
  });
}

function checkWish({ id, expr }: ObjectiveSpec, { guardrails }: Parts): Problem[] {
  const problems: Problem[] = [];
  if (!isImprovement(expr.parsed.comparison))
    problems.push({
      path: ['expr'],
      message: 'demands no improvement: write "improves >= 5 %", or make it a guardrail',
    });
  if (guardrails.some(({ value }) => value.id === id))
    problems.push({ path: ['id'], message: `"${id}" is a guardrail already` });
  return problems;
}

function isImprovement({ kind, relation, value }: Comparison): boolean {
  if (kind === 'ratio') return relation === '<=' ? value < 1 : value > 1;
  return kind === 'offset' && (relation === '>=' ? value > 0 : value < 0);
}

function isJudgedIn({ stages, expr }: GuardrailSpec, stage: StageSpec): boolean {
  return (stages?.includes(stage.name) ?? true) && metricRule(expr.parsed.metric).modes.includes(stage.mode);
}

/** `limits`: as it is written, to see what is said twice. */
export function checkLocalRules(guardrails: readonly Indexed<GuardrailSpec>[], limits: unknown): Problem[] {
  const taken = new Map(Object.keys(typeof limits === 'object' && limits ? limits : {}).map((key) => [key, 'limits']));
  return guardrails.flatMap(({ index, value }) => {
    const path = ['spec', 'guardrails', index];
    if (value.device === null)
      return value.scope === 'device'
        ? [
            {
              path: [...path, 'scope'],
              message: 'needs "device": what each device judges, such as {floor: 8, for: 30s}',
            },
          ]
        : [];
    const why = whyNotLocal(value.device, value.expr.parsed);
    if (why !== null) return [{ path: [...path, 'device'], message: why }];
    const twice = Object.keys(localLimits(value.device, value.expr.parsed)).filter((key) => taken.has(key));
    const problems = twice.map((key) => ({
      path: [...path, 'device'],
      message: `${key} is given in ${taken.get(key)} already`,
    }));
    for (const key of Object.keys(localLimits(value.device, value.expr.parsed))) taken.set(key, `"${value.id}"`);
    return problems;
  });
}

/** What may be shown and not enforced, and what may be wanted and not punished. */
export function checkEnforcement(guardrails: readonly Indexed<GuardrailSpec>[]): Problem[] {
  return guardrails.flatMap(({ index, value }) => {
    const path = ['spec', 'guardrails', index, 'enforce'];
    if (value.expr.parsed.aggregate === 'js' && value.enforce !== 'observe')
      return [{ path, message: 'must be observe: a distance says "different", never "worse"' }];
    if (/\bimproves\b/.test(value.expr.text) && value.enforce === 'rollback')
      return [{ path, message: 'must be hold or observe: want of an improvement is no reason to go back' }];
    return [];
  });
}

/** The two words for one thing, in `missing` and in `minimum`. */
export function checkTwins(spec: unknown): Problem[] {
  const missing = memberOf(memberOf(spec, 'analysis'), 'missing');
  const isTwice = memberOf(missing, 'maxSilent') !== undefined && memberOf(missing, 'maxOffline') !== undefined;
  const schedule = memberOf(spec, 'schedule');
  const hasPeak = ['peak', 'windows'].some((key) => listOf(memberOf(schedule, key)).length > 0);
  return [
    ...(isTwice
      ? [{ path: ['spec', 'analysis', 'missing', 'maxOffline'], message: 'is the same as maxSilent: give one of them' }]
      : []),
    ...(memberOf(schedule, 'coverPeakShift') === true && !hasPeak
      ? [{ path: ['spec', 'schedule', 'coverPeakShift'], message: 'needs "peak" or "windows": when the line is busy' }]
      : []),
    ...listOf(memberOf(spec, 'stages')).flatMap((stage, index) =>
      memberOf(stage, 'maxExtraLoad') !== undefined && memberOf(stage, 'mode') !== 'shadow'
        ? [{ path: ['spec', 'stages', index, 'maxExtraLoad'], message: 'is about a shadow: mode: shadow' }]
        : [],
    ),
    ...listOf(memberOf(spec, 'guardrails')).flatMap((guardrail, index) => {
      const minimum = memberOf(guardrail, 'minimum');
      return memberOf(minimum, 'objects') !== undefined && memberOf(minimum, 'instances') !== undefined
        ? [{ path: ['spec', 'guardrails', index, 'minimum', 'instances'], message: 'is the same as objects' }]
        : [];
    }),
  ];
}

function listOf(input: unknown): readonly unknown[] {
  return Array.isArray(input) ? input : [];
}

function memberOf(input: unknown, key: string): unknown {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[key] : undefined;
}
