// What a configuration may say about sinks, and what of it names files. Parsing only.
import { z } from 'zod';

/** Names of classes: the release's own, or those that consumers of earlier releases know (manifest `compat.labelMap`). */
const forAll = {
  labels: z.enum(['native', 'legacy']).default('native'),
  /** `detections`: an answer of a model that looks for objects and has found none is left out. */
  only: z.enum(['all', 'detections']).default('all'),
};

/** The kernel's limit for the name of a Unix socket, without its end. */
const SOCKET_PATH_BYTES_MAX = 107;

const stdoutSchema = z.strictObject({ kind: z.literal('stdout'), ...forAll });
const mqttSchema = z.strictObject({ kind: z.literal('mqtt'), ...forAll });

const httpSchema = z.strictObject({
  kind: z.literal('http'),
  url: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://10.0.0.5/answers' }),
  /** Answers in one request at most. */
  batch: z.number().int().min(1).max(10_000).default(200),
  timeoutMs: z.number().int().min(100).max(120_000).default(10_000),
  /** Lines `Name: value`, sent with every request: where a token belongs, so that it is in no configuration. */
  headersFile: z.string().min(1).nullable().default(null),
  /** Certificates (PEM) that the receiver may show instead of a public one. */
  caFile: z.string().min(1).nullable().default(null),
  ...forAll,
});

const socketSchema = z.strictObject({
  kind: z.literal('socket'),
  path: z
    .string()
    .min(1)
    .refine((path) => Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX, `at most ${SOCKET_PATH_BYTES_MAX} bytes`),
  ...forAll,
});

export const sinkSchema = z.discriminatedUnion('kind', [stdoutSchema, mqttSchema, httpSchema, socketSchema]);

export type SinkConfig = z.infer<typeof sinkSchema>;
export type HttpSinkConfig = z.infer<typeof httpSchema>;

/** Paths lie beside the configuration file. */
export function placeSink(sink: SinkConfig, at: (path: string) => string): SinkConfig {
  switch (sink.kind) {
    case 'stdout':
    case 'mqtt':
      return sink;
    case 'socket':
      return { ...sink, path: at(sink.path) };
    case 'http': {
      const { headersFile, caFile } = sink;
      const placed = (path: string | null) => (path === null ? null : at(path));
      return { ...sink, headersFile: placed(headersFile), caFile: placed(caFile) };
    }
  }
}
