// What a new revision of a running rollout changes: each change as tighter, looser, of no weight, or not allowed, in a sentence.
// Pure and total: whatever it does not know is looser, so that it needs approval.
import { type ChangeKind, type ChangeRule, REVISION_RULES } from './revision-rules.ts';
import type { GuardrailSpec, RolloutFile, StageSpec } from './rollout-file.ts';

export type RevisionChange = {
  /** `spec.stages.half.bake`: items of a list by their name. */
  readonly path: string;
  readonly kind: ChangeKind;
  readonly sentence: string;
};

/** `reached`: the index of the stage that the rollout is in; null before its first device was told. */
export function compareRevisions(
  before: RolloutFile,
  after: RolloutFile,
  reached: number | null = null,
): readonly RevisionChange[] {
  const { stages: oldStages, guardrails: oldGuardrails, ...oldSpec } = before.spec;
  const { stages, guardrails, ...spec } = after.spec;
  return [
    ...compare(before.metadata, after.metadata, at('metadata')),
    ...compare(oldSpec, spec, at('spec')),
    ...compareStages(oldStages, stages, reached),
    ...compareGuardrails(oldGuardrails, guardrails),
  ];
}

/** `pattern` finds the rule, `path` is shown. */
type Place = { readonly path: string; readonly pattern: string };

function at(path: string, pattern = path): Place {
  return { path, pattern };
}

function below({ path, pattern }: Place, key: string): Place {
  return at(`${path}.${key}`, `${pattern}.${pattern === 'spec.lease.sites' ? '*' : key}`);
}

function compare(before: unknown, after: unknown, place: Place): readonly RevisionChange[] {
  if (isEqual(before, after)) return [];
  const rule = REVISION_RULES[place.pattern];
  const kind = rule?.judge(before, after);
  // Inside a section that is there in both, each field speaks for itself.
  if (
    isSection(before) &&
    isSection(after) &&
    (rule === undefined || kind === 'neutral') &&
    place.pattern !== 'metadata.labels'
  )
    return keysOf(before, after).flatMap((key) => compare(before[key], after[key], below(place, key)));
  return [changed(place, kind ?? 'loosen', [before, after], rule)];
}

function compareStages(
  before: readonly StageSpec[],
  after: readonly StageSpec[],
  reached: number | null,
): readonly RevisionChange[] {
  const [oldNames, names] = [before.map(({ name }) => name), after.map(({ name }) => name)];
  const begun = reached === null ? 0 : reached + 1;
  if (!isEqual(oldNames.slice(0, begun), names.slice(0, begun)))
    return [told(at('spec.stages'), 'forbidden', 'stages that have begun stay where they are')];
  const kept = names.filter((name) => oldNames.includes(name));
  if (
    !isEqual(
      kept,
      oldNames.filter((name) => names.includes(name)),
    )
  )
    return [told(at('spec.stages'), 'forbidden', 'stages keep their order')];
  return [
    ...before.filter(({ name }) => !names.includes(name)).map(({ name }) => told(stageAt(name), 'loosen', 'taken out')),
    ...after.flatMap((stage, index) => {
      const old = before.find(({ name }) => name === stage.name);
      return old
        ? compareStage(old, stage, reached === null ? 1 : index - reached)
        : [addedStage(stage, after, oldNames)];
    }),
  ];
}

/** What cannot be changed once the devices of a stage were told. */
const CHOSEN: readonly string[] = ['percent', 'count', 'mode', 'holdback', 'sampleEvery', 'minDevicesPerHw'];

/** `ahead`: 0 is the stage that it is in; below, it is over. */
function compareStage(before: StageSpec, after: StageSpec, ahead: number): readonly RevisionChange[] {
  const place = stageAt(after.name);
  const changes = compare(before, after, place).filter(
    // Without extensions their length means nothing.
    ({ path }) => !path.endsWith('.extend.eachMs') || (before.extend.times > 0 && after.extend.times > 0),
  );
  if (ahead > 0) return changes;
  const why = ahead < 0 ? 'this stage is over' : 'its devices were told already';
  return changes.map((change) => {
    const isChosen = CHOSEN.some((field) => change.path === `${place.path}.${field}`);
    return ahead < 0 || isChosen ? told(at(change.path), 'forbidden', why) : change;
  });
}

const EXPOSURE = { golden: 0, shadow: 1, serve: 2 } as const;

/** One gate more, unless it exposes what the stage after it would not have exposed yet. */
function addedStage(stage: StageSpec, after: readonly StageSpec[], oldNames: readonly string[]): RevisionChange {
  const next = after.slice(after.indexOf(stage)).find(({ name }) => oldNames.includes(name));
  const isGate = next !== undefined && EXPOSURE[stage.mode] <= EXPOSURE[next.mode] && isNoLarger(stage, next);
  return told(stageAt(stage.name), isGate ? 'tighten' : 'loosen', `one stage more, before ${next?.name ?? 'nothing'}`);
}

function isNoLarger(stage: StageSpec, next: StageSpec): boolean {
  if (next.percent === 100) return true;
  if (stage.percent !== undefined && next.percent !== undefined) return stage.percent <= next.percent;
  return stage.count !== undefined && next.count !== undefined && stage.count <= next.count;
}

function compareGuardrails(
  before: readonly GuardrailSpec[],
  after: readonly GuardrailSpec[],
): readonly RevisionChange[] {
  const weightOf = ({ enforce }: GuardrailSpec, kind: ChangeKind) => (enforce === 'observe' ? 'neutral' : kind);
  const has = (list: readonly GuardrailSpec[], id: string) => list.some((one) => one.id === id);
  return [
    ...before
      .filter(({ id }) => !has(after, id))
      .map((gone) => told(guardrailAt(gone.id), weightOf(gone, 'loosen'), 'taken out')),
    ...after.flatMap((guardrail) => {
      const old = before.find(({ id }) => id === guardrail.id);
      return old
        ? compare(old, guardrail, guardrailAt(old.id))
        : [
            told(
              guardrailAt(guardrail.id),
              weightOf(guardrail, 'tighten'),
              `one guardrail more: ${guardrail.expr.text}`,
            ),
          ];
    }),
  ];
}

function stageAt(name: string): Place {
  return at(`spec.stages.${name}`, 'spec.stages[]');
}

function guardrailAt(id: string): Place {
  return at(`spec.guardrails.${id}`, 'spec.guardrails[]');
}

const MEANING: Readonly<Record<ChangeKind, string>> = {
  tighten: 'tighter',
  loosen: 'not known to be tighter: needs approval',
  forbidden: 'cannot be changed while it runs: start another rollout',
  neutral: 'decides nothing',
};

function changed(
  place: Place,
  kind: ChangeKind,
  [before, after]: readonly [unknown, unknown],
  rule: ChangeRule | undefined,
): RevisionChange {
  const show = rule?.show ?? showPlain;
  const what = kind === 'forbidden' && isSection(before) ? 'is another one' : `${show(before)} → ${show(after)}`;
  return told(place, kind, what);
}

function told({ path }: Place, kind: ChangeKind, what: string): RevisionChange {
  return { path, kind, sentence: `${path.replace(/^spec\./, '')}: ${what} (${MEANING[kind]})` };
}

function showPlain(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none');
}

type Section = Readonly<Record<string, unknown>>;

/** Something with fields of its own; an expression is one value. */
function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('parsed' in value);
}

function keysOf(before: Section, after: Section): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isEqual(item, b[i]));
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  return keysOf(a as Section, b as Section).every((key) => isEqual((a as Section)[key], (b as Section)[key]));
}
