// The agent's configuration: a file (JSON or YAML) and the environment become one frozen value, or all mistakes in
// one readable list. Nothing downstream sees an optional that has a default.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { BelayError, describeError } from '../shared/basics/errors.ts';
import { nameSchema } from '../shared/basics/identifiers.ts';
import { oneLine } from '../shared/basics/one-line.ts';
import { isTooDeep, type Problem, parseJson, parseValue, TOO_DEEP } from '../shared/basics/parsing.ts';
import { type KeySet, keySetSchema } from '../shared/signing/signed-document.ts';
import { downloadOptionsSchema } from './artifacts/download-options.ts';
import { MEMORY_RESERVE_MB } from './core/memory-state.ts';
import { type CameraConfig, cameraSchema, readCameras } from './frames/source-options.ts';
import { runnerOptionsSchema } from './inference/inference.ts';
import { previewSchema } from './preview/options.ts';
import { placeSink, sinkSchema } from './sinks/sinks.ts';

const controlPlaneSchema = z
  .strictObject({
    mqttUrl: z.url({ protocol: /^(mqtts?|tcp|tls|ssl)$/, error: 'must be a URL such as mqtt://127.0.0.1:1883' }),
    apiUrl: z.url({ protocol: /^https?$/, error: 'must be a URL such as http://127.0.0.1:8080' }),
    password: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
    trustFile: z.string().min(1),
    /** Between two questions to the API while the broker is away. */
    pollMs: z.int().min(1000).max(3_600_000).default(60_000),
  })
  .refine((value) => (value.password === undefined) !== (value.passwordFile === undefined), {
    path: ['password'],
    message: 'give either password or passwordFile',
  });

const configSchema = z.strictObject({
  site: nameSchema,
  device: nameSchema,
  hardwareClass: nameSchema,
  line: nameSchema.nullable().default(null),
  dataDir: z.string().min(1),
  /** Package folder with manifest.json: what a device answers with before it has ever heard of a control plane. */
  factory: z.string().min(1),
  controlPlane: controlPlaneSchema.nullable().default(null),
  cameras: z
    .array(cameraSchema)
    .min(1)
    .max(8)
    .refine((cameras) => new Set(cameras.map((camera) => camera.id)).size === cameras.length, 'two have the same id'),
  sinks: z
    .array(sinkSchema)
    .max(8)
    .default(() => [sinkSchema.parse({ kind: 'stdout' })]),
  preview: previewSchema,
  /** `never`: no picture leaves this device over the control plane, whatever the policy of its site says. */
  pictures: z.enum(['allowed', 'never']).default('allowed'),
  windowMs: z.number().int().min(1000).max(3_600_000).default(60_000),
  /** Threads of each runner; null: what the manifest says, within the cores of this box. */
  threads: z.number().int().min(1).max(64).nullable().default(null),
  runner: runnerOptionsSchema.default({ env: {} }),
  /** Runners may map what their release was granted, and no more. */
  memoryLimit: z.boolean().default(true),
  /** Kept free beside baseline and candidate; with less, one of them is not kept loaded. */
  memoryReserveMb: z.number().int().min(0).max(1_000_000).default(MEMORY_RESERVE_MB),
  download: downloadOptionsSchema.prefault({}),
  ringDir: z.string().min(1).default('/dev/shm'),
  sysRoot: z.string().min(1).default('/sys'),
  procRoot: z.string().min(1).default('/proc'),
  /** A kill of this device for as long as the file is there, beside `kill` in the data folder. */
  killFile: z.string().min(1).default('/run/belay/kill'),
  spoolBytesMax: z
    .number()
    .int()
    .min(1_000_000)
    .default(64 * 1024 * 1024),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

type ConfigFile = z.infer<typeof configSchema>;

export type AgentConfig = Omit<ConfigFile, 'controlPlane' | 'cameras'> & {
  readonly cores: number;
  readonly cameras: readonly CameraConfig[];
  readonly controlPlane: {
    readonly mqttUrl: string;
    readonly apiUrl: string;
    readonly password: string;
    readonly keySet: KeySet;
    readonly pollMs: number;
  } | null;
};

/** More than a person corrects in one go; a file that is no configuration at all has thousands. */
const PROBLEMS_TOLD_MAX = 40;
const LINE_MAX = 400;

/** Code `config`: the message lists every mistake, one a line. */
export class ConfigError extends BelayError {
  constructor(path: string, problems: readonly Problem[], cause?: unknown) {
    const lines = problems
      .slice(0, PROBLEMS_TOLD_MAX)
      .map((problem) => oneLine(`  ${problem.path === '' ? '(file)' : problem.path}: ${problem.message}`, LINE_MAX));
    if (problems.length > lines.length) lines.push(`  … and ${problems.length - lines.length} more`);
    super('config', `${path} is not a usable agent configuration:\n${lines.join('\n')}`, { cause });
  }
}

/** Environment variables that win over the file, by the option they set. */
const ENVIRONMENT = {
  BELAY_SITE: ['site'],
  BELAY_DEVICE: ['device'],
  BELAY_DATA_DIR: ['dataDir'],
  BELAY_LOG_LEVEL: ['logLevel'],
  BELAY_MQTT_URL: ['controlPlane', 'mqttUrl'],
  BELAY_API_URL: ['controlPlane', 'apiUrl'],
  BELAY_PASSWORD: ['controlPlane', 'password'],
} as const;

/** Reads and checks everything, files it names included. Throws ConfigError with all mistakes. */
export function loadConfig(path: string, environment: Readonly<Record<string, string | undefined>>): AgentConfig {
  const raw = withEnvironment(readConfigFile(path), environment);
  const parsed = parseValue(configSchema, raw);
  if (!parsed.ok) throw new ConfigError(path, parsed.problems);
  const config = parsed.value;
  const at = (file: string) => resolve(dirname(path), file);
  const problems: Problem[] = [];
  const controlPlane = config.controlPlane === null ? null : readControlPlane(config.controlPlane, at, problems);
  const cameras = readCameras(config.cameras, { at, problems });
  if (problems.length > 0) throw new ConfigError(path, problems);
  return Object.freeze({
    ...config,
    cores: availableParallelism(),
    dataDir: at(config.dataDir),
    factory: at(config.factory),
    ringDir: at(config.ringDir),
    sysRoot: at(config.sysRoot),
    procRoot: at(config.procRoot),
    killFile: at(config.killFile),
    cameras,
    sinks: config.sinks.map((sink) => placeSink(sink, at)),
    controlPlane,
  });
}

function readConfigFile(path: string): unknown {
  try {
    // Some editors begin a file with a byte order mark.
    const text = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
    const raw: unknown = /\.ya?ml$/.test(path) ? parseYaml(text, { logLevel: 'error' }) : JSON.parse(text);
    if (isTooDeep(raw)) throw new RangeError(TOO_DEEP);
    return raw;
  } catch (error) {
    throw new ConfigError(path, [{ path: '', message: `cannot be read: ${describeError(error)}` }], error);
  }
}

function withEnvironment(raw: unknown, environment: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const merged = structuredClone(raw) as Record<string, unknown>;
  for (const [name, [first, second]] of Object.entries(ENVIRONMENT)) {
    const value = environment[name];
    if (value === undefined || value === '' || first === undefined) continue;
    if (second === undefined) merged[first] = value;
    else merged[first] = { ...(merged[first] as object | null), [second]: value };
  }
  return merged;
}

type ControlPlaneFile = z.infer<typeof controlPlaneSchema>;

function readControlPlane(file: ControlPlaneFile, at: (path: string) => string, problems: Problem[]) {
  const keySet = readKeySet(at(file.trustFile), problems);
  const password = file.password ?? readPassword(at(file.passwordFile ?? ''), problems);
  const apiUrl = file.apiUrl.replace(/\/+$/, '');
  return { mqttUrl: file.mqttUrl, apiUrl, password, keySet: keySet ?? { keys: [] }, pollMs: file.pollMs };
}

function readPassword(path: string, problems: Problem[]): string {
  try {
    const password = readFileSync(path, 'utf8').trim();
    if (password === '') problems.push({ path: 'controlPlane.passwordFile', message: `${path} is empty` });
    return password;
  } catch (error) {
    problems.push({ path: 'controlPlane.passwordFile', message: `cannot be read: ${describeError(error)}` });
    return '';
  }
}

function readKeySet(path: string, problems: Problem[]): KeySet | null {
  try {
    const parsed = parseJson(keySetSchema, readFileSync(path));
    if (parsed.ok) return checkKeys(path, parsed.value, problems);
    for (const problem of parsed.problems)
      problems.push({ path: 'controlPlane.trustFile', message: `${path}: ${problem.path} ${problem.message}` });
  } catch (error) {
    problems.push({ path: 'controlPlane.trustFile', message: `cannot be read: ${describeError(error)}` });
  }
  return null;
}

/** A key that cannot be opened is found here, not when the agent already answers frames. */
function checkKeys(path: string, keySet: KeySet, problems: Problem[]): KeySet {
  for (const { kid, kty, crv, x } of keySet.keys) {
    try {
      createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
    } catch (error) {
      const message = `${path}: the key "${kid}" is no usable public key: ${describeError(error)}`;
      problems.push({ path: 'controlPlane.trustFile', message });
    }
  }
  return keySet;
}
