// What is worth knowing about a rollout file that has no mistakes: it can run, and may not do what its writer expects.
// Nothing here refuses a file: one that ran yesterday must still be read tomorrow.
import type { FilePath } from './cross-checks.ts';
import { describeDuration } from './durations.ts';
import { appliesTo } from './guardrails.ts';
import { metricRule } from './metrics.ts';
import { pathText } from './read-rollout-file.ts';
import type { GuardrailSpec, RolloutFile, StageSpec } from './rollout-file.ts';

export type FileWarning = { readonly path: FilePath; readonly message: string };

/** Every warning, in the order of the file's sections. */
export function fileWarnings({ spec }: RolloutFile): readonly FileWarning[] {
  return [
    ...ownerWarnings(spec),
    ...pinWarnings(spec.cohort),
    ...stageOrderWarnings(spec.stages),
    ...spec.stages.flatMap((stage, index) => selfTestWarnings(stage, index, spec.guardrails)),
    ...silenceWarnings(spec),
    ...spec.guardrails.flatMap((guardrail, index) => guardrailWarnings(guardrail, index, spec)),
  ];
}

/** `spec.owners.backup: is the owner again …` */
export function warningTexts(file: RolloutFile): readonly string[] {
  return fileWarnings(file).map(({ path, message }) => `${pathText(path)}: ${message}`);
}

/** With the number of devices of a site: steps that its whole devices cannot show. */
export function stepWarnings({ spec }: RolloutFile, devicesPerSite: number): readonly FileWarning[] {
  const sizeOf = ({ percent, count }: StageSpec) =>
    Math.min(
      devicesPerSite,
      count ?? Math.max(spec.cohort.minPerFactory, Math.round((devicesPerSite * (percent ?? 0)) / 100)),
    );
  const serving = indexed(spec.stages).filter(({ value }) => value.mode === 'serve' && value.count === undefined);
  return serving.flatMap(({ index, value }, at) => {
    const before = serving[at - 1]?.value;
    const path = ['spec', 'stages', index];
    if (sizeOf(value) === 0) return [{ path, message: `${value.percent} % of ${devicesPerSite} devices is none` }];
    if (!before || sizeOf(before) !== sizeOf(value) || before.percent === value.percent) return [];
    const devices = `${sizeOf(value)} device${sizeOf(value) === 1 ? '' : 's'}`;
    return [
      { path, message: `with ${devicesPerSite} devices on a site it is the same ${devices} as stage "${before.name}"` },
    ];
  });
}

type Spec = RolloutFile['spec'];

function ownerWarnings({ owners }: Spec): readonly FileWarning[] {
  if (owners.primary.trim().toLowerCase() !== owners.backup.trim().toLowerCase()) return [];
  return [
    { path: ['spec', 'owners', 'backup'], message: 'is the owner again: nobody stands in when the owner is away' },
  ];
}

function pinWarnings({ pin, exclude }: Spec['cohort']): readonly FileWarning[] {
  const lists = [
    ['pin.candidate', pin.candidate],
    ['pin.baseline', pin.baseline],
    ['exclude.devices', exclude.devices],
  ] as const;
  return lists.flatMap(([name, devices], at) =>
    devices.flatMap((device, index) => {
      const other = lists.slice(0, at).find(([, earlier]) => earlier.includes(device))?.[0];
      const path = ['spec', 'cohort', ...name.split('.'), index];
      return other === undefined
        ? []
        : [{ path, message: `"${device}" is also in ${other}: one of the two has no effect` }];
    }),
  );
}

function stageOrderWarnings(stages: readonly StageSpec[]): readonly FileWarning[] {
  const serving = indexed(stages).filter(({ value }) => value.mode === 'serve');
  const first = serving[0];
  const warnings: FileWarning[] = [];
  if (first?.value.percent === 100)
    warnings.push({
      path: ['spec', 'stages', first.index],
      message: 'is the first to serve, and on every device: none is left to compare with, or to spare',
    });
  for (const { index, value } of indexed(stages))
    if (first && index > first.index && value.mode !== 'serve')
      warnings.push({
        path: ['spec', 'stages', index],
        message: `comes after "${first.value.name}": what ${value.mode === 'shadow' ? 'the same frames' : 'labelled frames'} show is known only when devices already answer with the candidate`,
      });
  serving.forEach(({ index, value }, at) => {
    const before = serving[at - 1]?.value;
    if (before && value.percent !== undefined && before.percent === value.percent)
      warnings.push({ path: ['spec', 'stages', index], message: `has the same devices as "${before.name}"` });
  });
  return warnings;
}

function selfTestWarnings(
  stage: StageSpec,
  index: number,
  guardrails: readonly GuardrailSpec[],
): readonly FileWarning[] {
  if (stage.mode !== 'golden' || guardrails.some((guardrail) => judges(guardrail, stage))) return [];
  return [
    {
      path: ['spec', 'stages', index],
      message: 'no guardrail such as golden(map50) judges it: a candidate that runs passes, whatever it answers',
    },
  ];
}

function silenceWarnings({ analysis, guardrails, stages }: Spec): readonly FileWarning[] {
  const warnings: FileWarning[] = [];
  if (guardrails.every(({ enforce }) => enforce !== 'rollback'))
    warnings.push({ path: ['spec', 'guardrails'], message: 'none has enforce: rollback: nothing goes back by itself' });
  if (analysis.missing.maxSilent >= 100)
    warnings.push({
      path: ['spec', 'analysis', 'missing', 'maxSilent'],
      message: 'no number of silent devices holds the rollout',
    });
  const shortest = Math.min(...stages.map(lifeOf));
  if (analysis.missing.stale > shortest)
    warnings.push({
      path: ['spec', 'analysis', 'missing', 'stale'],
      message: `is longer than the shortest stage (${describeDuration(shortest)}): a device that falls silent there is not missed in time`,
    });
  return warnings;
}

function guardrailWarnings(guardrail: GuardrailSpec, index: number, spec: Spec): readonly FileWarning[] {
  const path = ['spec', 'guardrails', index];
  const stages = spec.stages.filter((stage) => judges(guardrail, stage));
  const forMs = Math.max(guardrail.for, guardrail.expr.parsed.forMs);
  const tooShort = stages.filter((stage) => forMs > lifeOf(stage));
  return [
    ...(tooShort.length > 0
      ? [{ path, message: `no breach can last ${describeDuration(forMs)} in ${stageList(tooShort)}` }]
      : []),
    ...evidenceWarnings(guardrail, stages, spec).map((message) => ({ path, message })),
    ...sensorWarnings(guardrail).map((message) => ({ path, message })),
    ...quantileWarnings(guardrail, spec).map((message) => ({ path, message })),
  ];
}

/** Faster than any camera on a line: what cannot be reached even so cannot be reached. */
const FRAMES_PER_SECOND_MAX = 120;

function evidenceWarnings(guardrail: GuardrailSpec, stages: readonly StageSpec[], spec: Spec): readonly string[] {
  if (metricRule(guardrail.expr.parsed.metric).source !== 'self') return [];
  const { minutes, framesPerDevice } = minimumOf(guardrail, spec);
  const ends = (part: readonly StageSpec[]) => `${stageList(part)} end${part.length === 1 ? 's' : ''}`;
  const tooShort = stages.filter((stage) => minutes * 60_000 > lifeOf(stage));
  const tooFew = stages.filter(
    (stage) => framesPerDevice > (lifeOf(stage) / 1000) * (FRAMES_PER_SECOND_MAX / stage.sampleEvery),
  );
  return [
    ...(tooShort.length > 0 ? [`${ends(tooShort)} before a device has ${minutes} minutes of evidence`] : []),
    ...(tooFew.length > 0
      ? [`${ends(tooFew)} before a device has ${framesPerDevice} frames, even at ${FRAMES_PER_SECOND_MAX} per second`]
      : []),
  ];
}

/** Not every machine has them. */
const SENSORS: ReadonlySet<string> = new Set(['soc_temp_c', 'battery_pct', 'power_w']);

function sensorWarnings({ expr, enforce }: GuardrailSpec): readonly string[] {
  const { metric } = expr.parsed;
  if (enforce === 'observe' || !SENSORS.has(metric)) return [];
  return [
    `where no machine can read ${metric} there is no evidence, which holds the rollout; enforce: observe shows it`,
  ];
}

/** Below this many frames beyond a percentile it is one frame's luck. */
const TAIL_FRAMES_MIN = 10;

function quantileWarnings(guardrail: GuardrailSpec, spec: Spec): readonly string[] {
  const { aggregate } = guardrail.expr.parsed;
  const percentile = Number(/^p(\d+)$/.exec(aggregate)?.[1] ?? 0);
  const { framesPerDevice } = minimumOf(guardrail, spec);
  const tail = (framesPerDevice * (100 - percentile)) / 100;
  if (percentile <= 50 || tail >= TAIL_FRAMES_MIN) return [];
  return [
    `${aggregate} of ${framesPerDevice} frames rests on ${Math.max(1, Math.floor(tail))}: ask for ${(TAIL_FRAMES_MIN * 100) / (100 - percentile)} framesPerDevice or use a lower percentile`,
  ];
}

function minimumOf(guardrail: GuardrailSpec, spec: Spec): { minutes: number; framesPerDevice: number } {
  const base = spec.analysis.minimum;
  return {
    minutes: guardrail.minimum.minutes ?? base.minutes,
    framesPerDevice: guardrail.minimum.framesPerDevice ?? base.framesPerDevice,
  };
}

/** Bake and every extension. */
function lifeOf({ bake, extend }: StageSpec): number {
  return bake + extend.times * extend.eachMs;
}

function judges(guardrail: GuardrailSpec, stage: StageSpec): boolean {
  return appliesTo({ stages: guardrail.stages, expression: guardrail.expr.parsed }, stage);
}

function stageList(stages: readonly StageSpec[]): string {
  return `stage${stages.length === 1 ? '' : 's'} ${stages.map(({ name }) => `"${name}"`).join(', ')}`;
}

function indexed<T>(items: readonly T[]): readonly { index: number; value: T }[] {
  return items.map((value, index) => ({ index, value }));
}
