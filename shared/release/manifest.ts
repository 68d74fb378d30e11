// The manifest of a release (`belay.model/1`): what the model is, how it was made, what it expects and answers.
// The digest of a release is the SHA-256 of the canonical JSON of its manifest; files are named by their own digests.
import { z } from 'zod';
import { countSchema, digestSchema, timeSchema } from '../basics/identifiers.ts';
import { declaredFaultSchema } from './drill.ts';
import { dataTagSchema, releaseNameSchema, versionSchema } from './identity.ts';
import { postprocessSchema } from './postprocess.ts';

const shareSchema = z.number().min(0).max(1);

/** Plain segments only, so that two spellings never mean one file on disk. */
const PATH = /^(?!.*\.\.)(?=.{1,121}$)[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

const fileSchema = z.looseObject({
  path: z
    .string()
    .regex(PATH, 'must be a relative path inside the package')
    .refine((path) => path !== 'manifest.json', 'is the place of the manifest itself'),
  role: z.enum(['model', 'golden', 'labels', 'calibration']),
  sha256: digestSchema,
  bytes: z.number().int().positive().max(2_000_000_000),
});

const provenanceSchema = z.looseObject({
  codeCommit: z.string().regex(/^[0-9a-f]{7,40}$/, 'must be the commit of the training code (7 to 40 hex digits)'),
  dataTag: dataTagSchema,
  dataSha256: digestSchema,
  trainConfigSha256: digestSchema,
  createdAtMs: timeSchema,
  parent: versionSchema.nullable(),
});

const tensorTypeSchema = z.enum(['uint8', 'float32', 'float16', 'int64', 'int32']);

/** The input contract: how a camera picture becomes the model's input tensor. Releases with equal contracts share a frame ring. */
export const inputContractSchema = z.looseObject({
  name: z.string().min(1),
  dtype: z.enum(['uint8', 'float32', 'float16']),
  layout: z.enum(['NHWC', 'NCHW']),
  shape: z.array(z.number().int().positive()).length(4),
  color: z.enum(['rgb', 'bgr', 'gray']),
  fit: z.enum(['letterbox', 'stretch', 'cover']),
  pad: z.number().int().min(0).max(255).default(114),
  resample: z.enum(['linear', 'area', 'nearest']).default('linear'),
  normalise: z.literal('in-graph'),
  /** Region of the picture that is used, in shares of its width and height: x, y, width, height. */
  roi: z.tuple([shareSchema, shareSchema, shareSchema, shareSchema]).optional(),
});

const outputSchema = z.looseObject({
  name: z.string().min(1),
  dtype: tensorTypeSchema,
  shape: z.array(z.number().int().positive()).min(1).max(6),
  role: z.enum(['yolo', 'boxes', 'scores', 'classes', 'mask', 'logits', 'ctc', 'num']),
});

const labelSchema = z.looseObject({
  id: countSchema,
  name: z.string().min(1).max(60),
  critical: z.boolean().default(false),
});

/** One metric on the held-out set, e.g. `{metric:'recall', class:'micro-crack', size:'small', value:0.82, count:91}`; shares are 0..1. */
const metricSchema = z.looseObject({
  metric: z.enum(['map50', 'ap50', 'precision', 'recall', 'iou', 'miou', 'cer', 'exact', 'false-positives-per-1k']),
  class: z.string().optional(),
  size: z.enum(['small', 'large']).optional(),
  value: z.number(),
  count: countSchema,
});

const runtimeSchema = z.looseObject({
  kind: z.literal('onnxruntime'),
  min: z.string(),
  opset: z.tuple([z.number().int(), z.number().int()]),
  providers: z.array(z.enum(['tensorrt', 'cuda', 'cpu'])).min(1),
  allowCpuFallback: z.boolean().default(false),
  precision: z.enum(['fp32', 'fp16', 'int8']),
  intraOpThreads: z.number().int().min(1).max(64).default(1),
});

const goldenSchema = z.looseObject({
  /** Path of the packed golden set (role `golden`). */
  frames: z.string(),
  /** Path of the release's own reference answers on the first frames (role `golden`). */
  expect: z.string(),
  tolerance: z.looseObject({
    score: z.number().positive().default(0.02),
    boxPx: z.number().positive().default(2),
    iou: shareSchema.default(0.95),
    /** Share of reference answers that must be met. */
    share: shareSchema.default(0.98),
  }),
});

const deviceLimitsSchema = z.looseObject({
  memoryMb: z.number().int().positive().default(400),
  coldMs: z.number().int().positive().default(60_000),
  minFps: z.number().positive().optional(),
});

export const manifestSchema = z
  .looseObject({
    schema: z.literal('belay.model/1'),
    name: releaseNameSchema,
    version: versionSchema,
    task: z.enum(['detection', 'segmentation', 'classification', 'ocr']),
    owner: z.string().min(1),
    changelog: z.string().min(1).max(2000),
    provenance: provenanceSchema,
    files: z.array(fileSchema).min(1).max(64),
    runtime: runtimeSchema,
    input: inputContractSchema,
    outputs: z.array(outputSchema).min(1).max(8),
    postprocess: postprocessSchema,
    labels: z.array(labelSchema).min(1).max(1000),
    compat: z
      .looseObject({
        replaces: z.string().optional(),
        /** This release's own label → the name that consumers of earlier releases know it by. */
        labelMap: z.record(z.string(), z.string()).optional(),
        /** That name → the class number it had; without one, the number stays this release's own. */
        labelIds: z.record(z.string(), countSchema).optional(),
      })
      .optional(),
    limits: deviceLimitsSchema,
    warmup: z.looseObject({ runs: z.number().int().min(1).max(100).default(2) }),
    golden: goldenSchema,
    /** Only of a release that a drill has made: it fails on purpose. */
    drill: declaredFaultSchema.optional(),
    metrics: z.looseObject({
      set: z.string().min(1),
      note: z.string().min(1),
      values: z.array(metricSchema).min(1),
    }),
  })
  .superRefine((manifest, context) => {
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const paths = new Set(manifest.files.map((file) => file.path));
    if (paths.size !== manifest.files.length) refuse(['files'], 'two files have the same path');
    if (manifest.files.filter((file) => file.role === 'model').length !== 1)
      refuse(['files'], 'exactly one file must have the role "model"');
    for (const key of ['frames', 'expect'] as const) {
      if (!paths.has(manifest.golden[key])) refuse(['golden', key], `"${manifest.golden[key]}" is not among files`);
    }
    manifest.labels.forEach((label, index) => {
      if (label.id !== index)
        refuse(['labels', index, 'id'], `must be ${index}: ids are the model's class numbers, in order`);
    });
    if (new Set(manifest.labels.map((label) => label.name)).size !== manifest.labels.length)
      refuse(['labels'], 'two labels have the same name');
    if (manifest.postprocess.type !== manifest.task)
      refuse(['postprocess', 'type'], `must be "${manifest.task}", the task of the release`);
  });

export type Manifest = z.infer<typeof manifestSchema>;
export type InputContract = z.infer<typeof inputContractSchema>;
export type ManifestFile = z.infer<typeof fileSchema>;
export type MetricValue = z.infer<typeof metricSchema>;

export function releaseIdOf(manifest: Manifest): { name: string; version: string; dataTag: string } {
  return { name: manifest.name, version: manifest.version, dataTag: manifest.provenance.dataTag };
}
