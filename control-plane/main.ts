// The control plane as one process: the only place that constructs things, in the order in which they need each other.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Logger, pino } from 'pino';
import { BelayError, describeError } from '../shared/basics/errors.ts';
import { nameSchema } from '../shared/basics/identifiers.ts';
import { deviceTopic } from '../shared/protocol/topics.ts';
import type { KeySet } from '../shared/signing/signed-document.ts';
import { type Audit, openAudit } from './audit/audit.ts';
import { type Config, readConfigFile } from './config.ts';
import { type Database, openDatabase } from './database/database.ts';
import { createDeliveryLoop, type DeliveryLoop, signDesired } from './delivery-loop.ts';
import { readAllDesired } from './devices/desired-store.ts';
import { type Devices, openDevices, restorePresence } from './devices/devices.ts';
import { PresenceBook } from './devices/presence.ts';
import { registerArtifactRoutes } from './http/routes/artifacts.ts';
import { registerDeviceRoutes } from './http/routes/devices.ts';
import { registerKillRoutes } from './http/routes/kills.ts';
import { registerReleaseRoutes } from './http/routes/releases.ts';
import { registerStatusRoutes } from './http/routes/status.ts';
import { registerSystemRoutes } from './http/routes/system.ts';
import { buildServer, type HttpApp } from './http/server.ts';
import { openKillJournal } from './kill-switch/kill-journal.ts';
import { openKillStore } from './kill-switch/kill-store.ts';
import { KillSwitch } from './kill-switch/kill-switch.ts';
import { createReassertLoop, type ReassertLoop } from './kill-switch/reassert-loop.ts';
import { openScopeLookup } from './kill-switch/resolve-scope.ts';
import { type Messaging, openBroker, type Principal, type RetainedEntry } from './messaging/messaging.ts';
import { type Outlet, openOutlet } from './outlet.ts';
import manifest from './package.json' with { type: 'json' };
import { openArtifactStore } from './registry/artifact-store.ts';
import { openRegistry, type Registry } from './registry/registry.ts';
import { devicePassword, isDevicePassword, openSigning, type Signing } from './signing/signing.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { startUpkeepLoop } from './upkeep-loop.ts';

export type ControlPlane = {
  readonly httpUrl: string;
  readonly mqttUrl: string;
  readonly keySet: KeySet;
  /** Stores what waits, ends connections, closes the database. */
  close(): Promise<void>;
};

type Clocks = { readonly wallNow: () => number; readonly monotonicNow: () => number };
type Floor = Clocks & {
  readonly config: Config;
  readonly log: Logger;
  readonly database: Database;
  readonly audit: Audit;
  readonly signing: Signing;
  readonly registry: Registry;
  readonly presence: PresenceBook;
  readonly devices: Devices;
  readonly killSwitch: KillSwitch;
  readonly outlet: Outlet;
};

/** Throws BelayError when anything that it promises cannot be kept; nothing is left running then. */
export async function openControlPlane(config: Config): Promise<ControlPlane> {
  const startedAtMs = Date.now();
  const log = pino({ level: config.log.level });
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await using undo = new AsyncDisposableStack();
  const database = undo.adopt(await openDatabase(join(config.dataDir, 'belay.db')), (opened) => opened.destroy());
  const floor = await openFloor(config, database, log);
  undo.adopt(floor.killSwitch, (room) => room.close());
  const delivery = createDelivery(floor);
  const reassert = createReassertLoop({ ...floor, reassertMs: config.kills.reassertMs });
  const telemetry = undo.adopt(openTelemetry(floor, { delivery, reassert }), (room) => room.close());
  const messaging = undo.adopt(await listen(floor, telemetry), (broker) => broker.close());
  floor.outlet.connect(messaging);
  for (const loop of [delivery, reassert]) {
    undo.adopt(loop, (started) => started.close());
    loop.start();
  }
  undo.adopt(startUpkeep(floor), (loop) => loop.close());
  const mqttUrl = config.publicUrls.mqtt ?? `mqtt://${authority(config.mqtt.host, messaging.port)}`;
  const app = undo.adopt(
    await buildServer({ version: manifest.version, log, loopbackOnly: !config.allowRemote }),
    (server) => server.close(),
  );
  const urls = { mqttUrl, apiUrl: config.publicUrls.http ?? '' };
  registerRoutes(app, floor, { telemetry, messaging, startedAtMs, urls: () => urls });
  const httpUrl = await app.listen({ host: config.http.host, port: config.http.port });
  urls.apiUrl ||= httpUrl;
  log.info({ httpUrl, mqttUrl, dataDir: config.dataDir }, 'control plane is up');
  const everything = undo.move();
  return { httpUrl, mqttUrl, keySet: floor.signing.keySet, close: () => everything.disposeAsync() };
}

async function openFloor(config: Config, database: Database, log: Logger): Promise<Floor> {
  const clocks = { wallNow: () => Date.now(), monotonicNow: () => performance.now() };
  const audit = openAudit({ database, ...clocks });
  const signing = await openSigning(config.dataDir);
  const artifacts = await openArtifactStore(join(config.dataDir, 'artifacts'), config.registry.artifactBytesMax);
  const registry = await openRegistry({ database, artifacts, audit, policy: config.registry, ...clocks });
  const presence = new PresenceBook();
  const outlet = openOutlet();
  const killSwitch = new KillSwitch({
    ...clocks,
    sign: signing.sign,
    publish: (topic, text) => outlet.publish(topic, text, { retain: true, qos: 1 }),
    presence,
    journal: openKillJournal(join(config.dataDir, 'kills.json')),
    store: openKillStore({ database, audit }),
    log,
  });
  await killSwitch.open();
  await restorePresence({ database, presence, ...clocks });
  const devices = openDevices({ database, presence, ...clocks });
  return { config, log, ...clocks, database, audit, signing, registry, presence, devices, killSwitch, outlet };
}

function createDelivery(floor: Floor): DeliveryLoop {
  return createDeliveryLoop({
    ...floor,
    sign: floor.signing.sign,
    publish: (topic, text) => floor.outlet.publish(topic, text, { retain: true, qos: 1 }),
    everyMs: floor.config.deliveryMs,
  });
}

function openTelemetry(
  floor: Floor,
  { delivery, reassert }: { readonly delivery: DeliveryLoop; readonly reassert: ReassertLoop },
): Telemetry {
  return new Telemetry({
    ...floor,
    ...floor.config.telemetry,
    isRegistered: (digest) => floor.registry.resolve(digest).kind === 'found',
    onKillAck: (event) => floor.killSwitch.acknowledge(event),
    onReached: (address) => {
      delivery.noticed(address);
      reassert.noticed(address);
    },
    onDesiredWritten: () => delivery.wake(),
    publishAck: ({ site, device, boot, seq }) => {
      const text = JSON.stringify({ v: 1, boot, seq });
      floor.outlet.publish(deviceTopic({ site, device }, 'ack'), text, { qos: 0 }).catch((error: unknown) => {
        floor.log.debug(
          { site, device, error: describeError(error) },
          'a watermark could not be sent; the next one will',
        );
      });
    },
  });
}

/** The broker begins with every document that a device could miss: kills first, then what is desired. */
async function listen(floor: Floor, telemetry: Telemetry): Promise<Messaging> {
  const { config, signing, killSwitch, database, log } = floor;
  const kills = await killSwitch.documents();
  const desired = await Promise.all(
    (await readAllDesired(database)).map((document) => signDesired(signing.sign, document)),
  );
  const retained = [...kills, ...desired].map(({ topic, text }): RetainedEntry => ({ topic, payload: text, qos: 1 }));
  return openBroker({
    ...config.mqtt,
    authenticate: async (clientId, username, password) =>
      authenticate(signing.deviceSecret, { clientId, username, password }),
    ingest: (message) => telemetry.ingest(message),
    log,
    retained,
  });
}

/** Client id = device, user name = site, password derived from both. */
function authenticate(
  secret: Uint8Array,
  claim: { readonly clientId: string; readonly username: string | null; readonly password: Buffer | null },
): Principal | null {
  const site = nameSchema.safeParse(claim.username);
  const device = nameSchema.safeParse(claim.clientId);
  if (!site.success || !device.success || claim.password === null) return null;
  const address = { site: site.data, device: device.data };
  return isDevicePassword(secret, address, claim.password) ? { kind: 'device', ...address } : null;
}

function startUpkeep(floor: Floor): { close(): Promise<void> } {
  const { database, config, wallNow, log, registry } = floor;
  const keep = {
    keepWindowsMs: config.telemetry.keepWindowsMs,
    keepUnreferencedMs: config.registry.keepUnreferencedMs,
  };
  return startUpkeepLoop({ database, artifacts: registry.artifacts, ...keep, wallNow, log }, config.upkeepMs);
}

type Running = {
  readonly telemetry: Telemetry;
  readonly messaging: Messaging;
  readonly startedAtMs: number;
  readonly urls: () => { readonly mqttUrl: string; readonly apiUrl: string };
};

function registerRoutes(app: HttpApp, floor: Floor, { telemetry, messaging, startedAtMs, urls }: Running): void {
  const { registry, presence, killSwitch, signing } = floor;
  const isRegistered = (digest: string) => registry.resolve(digest).kind === 'found';
  const resolveRelease = (reference: string) => registry.resolve(reference);
  registerKillRoutes(app, {
    killSwitch,
    lookUp: openScopeLookup({ resolveRelease, presence, findRolloutDigest: async () => null }),
  });
  registerReleaseRoutes(app, { registry });
  registerArtifactRoutes(app, { registry });
  registerDeviceRoutes(app, {
    ...floor,
    isRegistered,
    connection: () => ({ ...urls(), keySet: signing.keySet }),
    passwordOf: (address) => devicePassword(signing.deviceSecret, address),
  });
  registerStatusRoutes(app, {
    ...floor,
    telemetry,
    listRollouts: async () => [],
    messaging: () => ({ ...messaging.metrics() }),
    urls,
    version: manifest.version,
    startedAtMs,
  });
  const findProblems = async () => [telemetry.fault(), killSwitch.fault()].filter((problem) => problem !== null);
  registerSystemRoutes(app, { keySet: signing.keySet, audit: floor.audit, findProblems });
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string', short: 'c' } } });
  if (values.config === undefined) {
    throw new BelayError('config-missing', 'say which configuration to use: node control-plane/main.ts --config FILE');
  }
  const plane = await openControlPlane(await readConfigFile(values.config));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      plane.close().then(() => process.exit(0), fail);
    });
  }
}

function fail(error: unknown): never {
  process.stderr.write(`belay control plane: ${describeError(error)}\n`);
  process.exit(1);
}

if (import.meta.main) run().catch(fail);
