// A manifest from what others have written down: flags first, then tags, then what the model file says about itself. What is not
// known anywhere is left out, so that the check of the manifest names it. Pure.
import { type Manifest, manifestSchema } from '../../../shared/release/manifest.ts';
import type { OnnxFile, OnnxValue } from '../../../shared/release/onnx-file.ts';
import { readOnnxNames } from '../../../shared/release/onnx-names.ts';

export type DraftSources = {
  /** By the name of the flag, without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** `belay.owner` and the like; those of a registry. */
  readonly tags: Readonly<Record<string, string>>;
  readonly model: OnnxFile;
  readonly files: Manifest['files'];
  /** Scores by name, as the training run told them. */
  readonly scores: Readonly<Record<string, number>>;
  /** Where it comes from; kept in the manifest. */
  readonly origin: Readonly<Record<string, unknown>>;
  readonly createdAtMs: number;
  /** Another manifest, usually of the version before: used where nothing else says anything. */
  readonly base: Readonly<Record<string, unknown>>;
};

export type Draft = {
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly missing: readonly { readonly path: string; readonly message: string; readonly from: string }[];
};

export function draftManifest(sources: DraftSources): Draft {
  const { base, files, origin, createdAtMs } = sources;
  const say = (flag: string): string | undefined => sources.flags[flag] ?? sources.tags[`belay.${flag}`];
  const { metadata } = sources.model;
  const task = TASKS[say('task') ?? metadata['belay.task'] ?? metadata.task ?? ''] ?? base.task;
  const names = readOnnxNames(metadata['belay.names'] ?? metadata.names);
  const values = valuesOf(sources.scores, Number(say('metrics-count') ?? Number.NaN));
  const set = say('metrics-set');
  const draft = {
    ...base,
    schema: 'belay.model/1',
    ...known({
      name: say('name'),
      version: sources.flags.number ?? sources.tags['belay.version'],
      owner: say('owner'),
      changelog: say('changelog'),
      task,
      labels: names?.map((name, id) => ({ id, name })),
      postprocess: task === 'detection' ? (base.postprocess ?? DETECTION) : base.postprocess,
      metrics: values.length > 0 && set !== undefined ? { set, note: 'as its training run told', values } : undefined,
      golden: goldenOf(files),
    }),
    files,
    runtime: { ...RUNTIME, opset: [sources.model.opset ?? 13, sources.model.opset ?? 13], ...(base.runtime as object) },
    input: inputOf(sources.model) ?? base.input,
    outputs: outputsOf(sources.model, String(task)),
    limits: base.limits ?? {},
    warmup: base.warmup ?? {},
    provenance: {
      ...known({
        codeCommit: say('code-commit'),
        dataTag: say('data-tag'),
        dataSha256: say('data-sha256'),
        trainConfigSha256: say('train-config-sha256'),
      }),
      createdAtMs,
      parent: say('parent') ?? null,
      origin,
    },
  };
  return { manifest: draft, missing: missingOf(draft) };
}

function missingOf(draft: Readonly<Record<string, unknown>>): Draft['missing'] {
  const parsed = manifestSchema.safeParse(draft);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => {
    const at = path.map(String).join('.');
    return { path: at, message: valueAt(draft, path) === undefined ? 'is missing' : message, from: sourceOf(at) };
  });
}

const FLAGS: Readonly<Record<string, string>> = {
  name: '--name',
  version: '--number, or the tag belay.version',
  owner: '--owner',
  changelog: '--changelog, or the description of the version',
  task: '--task, or task in the metadata of the model',
  labels: 'names in the metadata of the model, or --base MANIFEST',
  metrics: '--metrics-set and --metrics-count, with map50, precision or recall among the metrics of the run',
  golden: 'golden/frames.bin and golden/expect.json among the artifacts, or in the folder',
  postprocess: '--base MANIFEST',
  'provenance.codeCommit': '--code-commit, or the tag mlflow.source.git.commit',
  'provenance.dataTag': '--data-tag',
  'provenance.dataSha256': '--data-sha256',
  'provenance.trainConfigSha256': '--train-config-sha256',
};

function sourceOf(path: string): string {
  const found = Object.keys(FLAGS).find((key) => path === key || path.startsWith(`${key}.`));
  return found === undefined ? 'write it into manifest.json' : (FLAGS[found] ?? '');
}

/** Ultralytics has other words for the same. */
const TASKS: Readonly<Record<string, string>> = {
  detect: 'detection',
  detection: 'detection',
  segment: 'segmentation',
  segmentation: 'segmentation',
  classify: 'classification',
  classification: 'classification',
  ocr: 'ocr',
};
const ROLES: Readonly<Record<string, string>> = { detection: 'yolo', segmentation: 'mask', ocr: 'ctc' };
const DETECTION = { type: 'detection', decoder: 'yolov8', box: 'cxcywh', coords: 'input-px', score: 0.4 };
const RUNTIME = { kind: 'onnxruntime', min: '1.30', providers: ['cpu'], precision: 'fp32' };
const SCORES: Readonly<Record<string, string>> = {
  map50: 'map50',
  'metrics/mAP50B': 'map50',
  'metrics/mAP50(B)': 'map50',
  precision: 'precision',
  'metrics/precisionB': 'precision',
  'metrics/precision(B)': 'precision',
  recall: 'recall',
  'metrics/recallB': 'recall',
  'metrics/recall(B)': 'recall',
};

function valuesOf(scores: Readonly<Record<string, number>>, count: number) {
  if (!Number.isSafeInteger(count)) return [];
  return Object.entries(scores).flatMap(([name, value]) => {
    const metric = SCORES[name];
    return metric === undefined ? [] : [{ metric, value, count }];
  });
}

function inputOf({ graph, metadata }: OnnxFile): Record<string, unknown> | null {
  const weights = new Set(graph.initializers.map(({ name }) => name));
  const input = graph.inputs.find(({ name }) => !weights.has(name));
  if (!input?.shape) return null;
  const [height = 0, width = height] =
    (metadata['belay.imgsz'] ?? metadata.imgsz ?? '').match(/\d+/g)?.map(Number) ?? [];
  const isNchw = input.shape[1] === 3 || input.shape[1] === 1;
  const wanted = isNchw ? [1, 3, height, width] : [1, height, width, 3];
  const shape = input.shape.map((size, at) => (typeof size === 'number' ? size : wanted[at]));
  const layout = isNchw ? 'NCHW' : 'NHWC';
  return { name: input.name, dtype: input.dtype, layout, shape, color: 'rgb', fit: 'letterbox', normalise: 'in-graph' };
}

function outputsOf({ graph }: OnnxFile, task: string) {
  const numbers = ({ shape }: OnnxValue) => (shape ?? []).map((size) => (typeof size === 'number' ? size : 1));
  return graph.outputs.map((output) => {
    return { name: output.name, dtype: output.dtype, shape: numbers(output), role: ROLES[task] ?? 'scores' };
  });
}

function goldenOf(files: Manifest['files']) {
  const [frames, expect] = ['golden/frames.bin', 'golden/expect.json'];
  const has = (path: string) => files.some((file) => file.path === path);
  return has('golden/frames.bin') && has('golden/expect.json') ? { frames, expect, tolerance: {} } : undefined;
}

function known(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}
