// Checks of a rollout file that look at more than one field. They run on whatever parts parsed, so that all mistakes show at once.

import type { Comparison } from './expression.ts';
import { checkEnforcement, checkLocalRules, checkObjectives, checkTwins } from './language-checks.ts';
import { metricRule } from './metrics.ts';
import { suggestion } from './nearest-word.ts';
import { type GuardrailSpec, rolloutFileParts, type StageSpec } from './rollout-file.ts';
import { checkFactoryScope, checkSchedule, checkStageEnds } from './stage-checks.ts';

export type FilePath = readonly (string | number)[];
export type CrossProblem = { readonly path: FilePath; readonly message: string };

type Indexed<T> = { readonly index: number; readonly value: T };

/** Every cross-field mistake in the raw document; malformed parts are skipped, they have their own problems. */
export function crossCheck(raw: unknown): readonly CrossProblem[] {
  const spec = member(raw, 'spec');
  const stages = readItems(member(spec, 'stages'), (input) => rolloutFileParts.stage.safeParse(input));
  const guardrails = readItems(member(spec, 'guardrails'), (input) => rolloutFileParts.guardrail.safeParse(input));
  const objectives = readItems(member(spec, 'objectives'), (input) => rolloutFileParts.objective.safeParse(input));
  const stageCount = listOf(member(spec, 'stages')).length;
  return [
    ...stages.flatMap(checkStageSize),
    ...checkUnique(
      stages.map(({ index, value }) => ({ index, name: value.name })),
      'stages',
      'name',
    ),
    ...checkGrowth(stages),
    ...checkLastStage(stages, stageCount),
    ...(guardrails.length === listOf(member(spec, 'guardrails')).length ? checkJudged(stages, guardrails) : []),
    ...checkUnique(
      guardrails.map(({ index, value }) => ({ index, name: value.id })),
      'guardrails',
      'id',
    ),
    ...guardrails.flatMap((guardrail) => checkGuardrail(guardrail, stages, stages.length === stageCount)),
    ...checkLeaseSites(spec),
    ...checkStageEnds(spec),
    ...checkSchedule(spec),
    ...checkObjectives(objectives, { stages, guardrails }),
    ...checkLocalRules(guardrails, member(spec, 'limits')),
    ...checkEnforcement(guardrails),
    ...checkTwins(spec),
    ...checkFactoryScope(spec),
  ];
}

function checkStageSize({ index, value }: Indexed<StageSpec>): CrossProblem[] {
  const path = ['spec', 'stages', index];
  if (value.percent !== undefined && value.count !== undefined)
    return [{ path: [...path, 'count'], message: 'give percent or count, not both' }];
  if (value.percent === undefined && value.count === undefined)
    return [{ path, message: 'needs "percent" or "count": how many devices' }];
  if (value.percent === 0) return [{ path: [...path, 'percent'], message: 'must be more than 0' }];
  return [];
}

function checkUnique(named: readonly { index: number; name: string }[], list: string, key: string): CrossProblem[] {
  return named
    .filter(({ index, name }) => named.some((other) => other.index < index && other.name === name))
    .map(({ index, name }) => ({ path: ['spec', list, index, key], message: `"${name}" is used twice` }));
}

/** Exposure only grows: a smaller serve stage after a larger one would take devices back without a decision. */
function checkGrowth(stages: readonly Indexed<StageSpec>[]): CrossProblem[] {
  const problems: CrossProblem[] = [];
  for (const key of ['percent', 'count'] as const) {
    const serving = stages.filter(({ value }) => value.mode === 'serve' && value[key] !== undefined);
    serving.forEach(({ index, value }, at) => {
      const before = serving[at - 1]?.value;
      if (before && (value[key] ?? 0) < (before[key] ?? 0))
        problems.push({
          path: ['spec', 'stages', index, key],
          message: `must be at least ${before[key]}, as in stage "${before.name}": exposure only grows`,
        });
    });
  }
  return problems;
}

function checkLastStage(stages: readonly Indexed<StageSpec>[], stageCount: number): CrossProblem[] {
  const last = stages.find(({ index }) => index === stageCount - 1);
  if (!last || (last.value.mode === 'serve' && last.value.percent === 100)) return [];
  return [
    {
      path: ['spec', 'stages', last.index],
      message:
        'the last stage must be mode: serve with percent: 100, as the rollout ends with every device on the candidate',
    },
  ];
}

/** A stage on live frames that no enforced guardrail judges would be promoted by waiting alone. */
function checkJudged(
  stages: readonly Indexed<StageSpec>[],
  guardrails: readonly Indexed<GuardrailSpec>[],
): CrossProblem[] {
  const enforced = guardrails.filter(({ value }) => value.enforce !== 'observe');
  const isJudged = (stage: StageSpec) =>
    enforced.some(({ value }) => {
      const isHere = value.stages === null || value.stages.includes(stage.name);
      return isHere && metricRule(value.expr.parsed.metric).modes.includes(stage.mode);
    });
  return stages
    .filter(({ value }) => value.mode !== 'golden' && !isJudged(value))
    .map(({ index, value }) => ({
      path: ['spec', 'stages', index],
      message: `no guardrail with enforce: hold or rollback judges stage "${value.name}": it would be promoted by waiting`,
    }));
}

function checkGuardrail(
  { index, value }: Indexed<GuardrailSpec>,
  stages: readonly Indexed<StageSpec>[],
  allStagesRead: boolean,
): CrossProblem[] {
  const path = ['spec', 'guardrails', index];
  const problems: CrossProblem[] = [];
  const names = stages.map((stage) => stage.value.name);
  const expression = value.expr.parsed;
  if (allStagesRead) problems.push(...checkGuardrailStages(value, stages, path));
  if (value.per === 'class' && !metricRule(expression.metric).filters.includes('class'))
    problems.push({ path: [...path, 'per'], message: `${expression.metric} is not measured per class` });
  if (value.per === 'class' && expression.class !== null)
    problems.push({ path: [...path, 'per'], message: 'give "per: class" or class=… in the expression, not both' });
  if (value.classes !== null && value.per === null)
    problems.push({ path: [...path, 'classes'], message: 'needs "per: class"' });
  const { comparison } = expression;
  if (comparison.kind === 'offset' && value.enforce === 'rollback' && isImprovement(comparison))
    problems.push({
      path: [...path, 'enforce'],
      message: 'must be hold or observe: want of an improvement is no reason to go back',
    });
  if (value.for > 0 && expression.forMs > 0)
    problems.push({ path: [...path, 'for'], message: 'is already given in the expression' });
  if (
    allStagesRead &&
    metricRule(expression.metric).source === 'paired' &&
    !stages.some(({ value: stage }) => stage.mode === 'shadow')
  )
    problems.push({
      path: [...path, 'expr'],
      message: `${expression.metric} needs a stage of mode: shadow (both releases on the same frames); known stages: ${names.join(', ')}`,
    });
  return problems;
}

function isImprovement({ relation, value }: Comparison): boolean {
  return relation === '>=' ? value > 0 : value < 0;
}

function checkGuardrailStages(
  guardrail: GuardrailSpec,
  stages: readonly Indexed<StageSpec>[],
  path: FilePath,
): CrossProblem[] {
  const names = stages.map((stage) => stage.value.name);
  const modes = metricRule(guardrail.expr.parsed.metric).modes;
  return (guardrail.stages ?? []).flatMap((name, at) => {
    const stage = stages.find((candidate) => candidate.value.name === name)?.value;
    const where = [...path, 'stages', at];
    if (!stage) return [{ path: where, message: `no stage is named "${name}"${suggestion(name, names)}` }];
    if (modes.includes(stage.mode)) return [];
    return [
      {
        path: where,
        message: `${guardrail.expr.parsed.metric} is judged in stages of mode ${modes.join(' or ')}, and "${name}" is ${stage.mode}`,
      },
    ];
  });
}

/** An exception for a site that takes no part is a slip of the pen. */
function checkLeaseSites(spec: unknown): CrossProblem[] {
  const factories = listOf(member(member(spec, 'cohort'), 'factories')).filter((name) => typeof name === 'string');
  const sites = member(member(spec, 'lease'), 'sites');
  if (factories.length === 0 || typeof sites !== 'object' || sites === null) return [];
  return Object.keys(sites)
    .filter((site) => !factories.includes(site))
    .map((site) => ({
      path: ['spec', 'lease', 'sites', site],
      message: `"${site}" is not among cohort.factories${suggestion(site, factories)}`,
    }));
}

function readItems<T>(
  input: unknown,
  parse: (item: unknown) => { success: true; data: T } | { success: false },
): readonly Indexed<T>[] {
  return listOf(input).flatMap((item, index) => {
    const result = parse(item);
    return result.success ? [{ index, value: result.data }] : [];
  });
}

function listOf(input: unknown): readonly unknown[] {
  return Array.isArray(input) ? input : [];
}

/** A member of something that may be anything. */
function member(input: unknown, key: string): unknown {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[key] : undefined;
}
