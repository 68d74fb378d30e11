// What the control plane may be told, from a JSON or YAML file: checked as a whole, with every mistake in one list.
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { BelayError } from '../shared/basics/errors.ts';
import { describeProblems, parseValue } from '../shared/basics/parsing.ts';
import { isNetwork } from './notifications/address-rule.ts';
import { RETRY_DELAYS_MS } from './notifications/retry.ts';

const MIB = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

const topicPrefixSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, 'must be segments of letters, digits, _ and -');
const portSchema = z.number().int().min(0).max(65_535);

const homeAssistantSchema = z.strictObject({
  /** False: what was told there before is taken back. */
  enabled: z.boolean().default(true),
  /** Of that broker: mqtt:// or mqtts://. */
  url: z.string().regex(/^mqtts?:\/\/[^@\s]+$/, 'must be mqtt://… or mqtts://…, without a password in it'),
  username: z.string().min(1).max(200).optional(),
  /** Its first line is the password; a relative path counts from the file. */
  passwordFile: z.string().min(1).optional(),
  /** As in Home Assistant's own settings. */
  discoveryPrefix: topicPrefixSchema.default('homeassistant'),
  /** Above the topics with the states. */
  topicPrefix: topicPrefixSchema.default('belay'),
});

export type HomeAssistantConfig = z.infer<typeof homeAssistantSchema>;

export const configSchema = z.strictObject({
  /** Database, artifacts, keys. Relative paths count from the file. */
  dataDir: z.string().min(1),
  /** 0 = any free port. */
  http: z.strictObject({ host: z.string().default('127.0.0.1'), port: portSchema.default(7420) }).prefault({}),
  mqtt: z.strictObject({ host: z.string().default('127.0.0.1'), port: portSchema.default(7421) }).prefault({}),
  /** Listening beyond this machine has to be said aloud: passwords and tokens travel as they are where no TLS is in front. */
  allowRemote: z.boolean().default(false),
  /** `open`: everybody on this machine may do everything, without an account. Never with allowRemote. */
  signIn: z.enum(['required', 'open']).default('required'),
  /** What devices and people are told to connect to, where it is not this machine's own address. */
  publicUrls: z.strictObject({ http: z.string().url(), mqtt: z.string().url() }).partial().default({}),
  registry: z
    .strictObject({
      artifactBytesMax: z
        .number()
        .int()
        .positive()
        .default(1024 * MIB),
      modelBytesMax: z
        .number()
        .int()
        .positive()
        .default(512 * MIB),
      tensorBytesMax: z
        .number()
        .int()
        .positive()
        .default(2048 * MIB),
      /** Operators that are refused otherwise, as `Loop` or `com.microsoft/QLinearAdd`. */
      approvedOperators: z.array(z.string()).default([]),
      /** Artifacts that no release names are removed after this. */
      keepUnreferencedMs: z
        .number()
        .int()
        .positive()
        .default(7 * DAY_MS),
    })
    .prefault({}),
  telemetry: z
    .strictObject({
      commitEveryMs: z.number().int().min(1).max(1000).default(20),
      /** A sequence number missing for this long is taken for lost, so that a spool is not held up by it. */
      gapMs: z.number().int().positive().default(60_000),
      keepWindowsMs: z
        .number()
        .int()
        .positive()
        .default(30 * DAY_MS),
    })
    .prefault({}),
  kills: z.strictObject({ reassertMs: z.number().int().positive().default(30_000) }).prefault({}),
  webhooks: z
    .strictObject({
      everyMs: z.number().int().min(20).default(1000),
      /** For all of one attempt. */
      timeoutMs: z.number().int().min(100).max(60_000).default(10_000),
      /** After each failed attempt; with none left the delivery is dead. */
      retryDelaysMs: z
        .array(z.number().int().min(10))
        .max(20)
        .default([...RETRY_DELAYS_MS]),
      keepMs: z
        .number()
        .int()
        .positive()
        .default(30 * DAY_MS),
      /** Receivers on this machine or link-local, such as `127.0.0.0/8`, that are refused otherwise. */
      allowNetworks: z.array(z.string().refine(isNetwork, 'must be a network such as 127.0.0.0/8')).max(50).default([]),
    })
    .prefault({}),
  /** Devices shown in a plant's Home Assistant, by way of the MQTT broker that it has. `off`: nothing is connected. */
  homeAssistant: z.union([z.literal('off'), homeAssistantSchema]).default('off'),
  /** How often rollouts are looked at, and the outbox swept. */
  tickMs: z.number().int().min(50).default(5000),
  deliveryMs: z.number().int().min(20).default(1000),
  upkeepMs: z
    .number()
    .int()
    .min(1000)
    .default(60 * 60 * 1000),
  log: z.strictObject({ level: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info') }).prefault({}),
});

export type Config = z.infer<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** Throws BelayError `config-invalid` with every mistake, or `config-unreadable`. */
export async function readConfigFile(path: string): Promise<Config> {
  let input: unknown;
  try {
    input = parseYaml(await readFile(path, 'utf8')); // JSON is YAML too
  } catch (error) {
    throw new BelayError('config-unreadable', `reading ${path} failed; give --config a JSON or YAML file`, {
      cause: error,
    });
  }
  const config = parseConfig(input, path);
  const fromHere = (file: string): string => (isAbsolute(file) ? file : resolve(dirname(path), file));
  const { homeAssistant } = config;
  const passwordFile = homeAssistant === 'off' ? undefined : homeAssistant.passwordFile;
  return {
    ...config,
    dataDir: fromHere(config.dataDir),
    ...(homeAssistant === 'off' || passwordFile === undefined
      ? {}
      : { homeAssistant: { ...homeAssistant, passwordFile: fromHere(passwordFile) } }),
  };
}

export function parseConfig(input: unknown, source = 'the configuration'): Config {
  const parsed = parseValue(configSchema, input);
  if (!parsed.ok) throw new BelayError('config-invalid', `${source}: ${describeProblems(parsed.problems)}`);
  const config = parsed.value;
  if (config.signIn === 'open' && config.allowRemote)
    throw new BelayError(
      'config-invalid',
      `${source}: signIn: open lets everybody do everything, so it goes with this machine alone; leave out allowRemote, or let people sign in (signIn: required)`,
    );
  for (const part of ['http', 'mqtt'] as const) {
    if (LOOPBACK.has(config[part].host) || config.allowRemote) continue;
    const message = `${source}: ${part}.host ${config[part].host} is reachable from other machines, and passwords would travel as they are`;
    throw new BelayError(
      'config-invalid',
      `${message}; use 127.0.0.1 (with a proxy for TLS in front), or set allowRemote: true if the network is yours alone`,
    );
  }
  return config;
}
