// The control plane as one process: the only place that constructs things, in the order in which they need each other.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { BelayError, describeError } from '../shared/basics/errors.ts';
import { deviceTopic } from '../shared/protocol/topics.ts';
import type { KeySet } from '../shared/signing/signed-document.ts';
import { accessTo, authenticate } from './admission.ts';
import { type Config, parseConfig, readConfigFile } from './config.ts';
import { openDatabase } from './database/database.ts';
import { claimFolder } from './database/folder-claim.ts';
import { answersFrom } from './database/revision.ts';
import { createDeliveryLoop, type DeliveryLoop, signDesired } from './delivery-loop.ts';
import { readAllDesired } from './devices/desired-store.ts';
import { openHomeAssistant } from './home-assistant/open-home-assistant.ts';
import { registerDashboard } from './http/dashboard.ts';
import { buildServer } from './http/server.ts';
import { FIRST_ADMIN, makeFirstAdmin } from './identity/first-admin.ts';
import type { PasswordCost } from './identity/passwords.ts';
import { createReassertLoop, type ReassertLoop } from './kill-switch/reassert-loop.ts';
import { type Messaging, openBroker, type RetainedEntry } from './messaging/messaging.ts';
import { type Metrics, openMetrics } from './metrics/metrics.ts';
import manifest from './package.json' with { type: 'json' };
import { resetAdminIn } from './reset-admin.ts';
import { startRolloutLoop } from './rollout-loop.ts';
import { openRooms, type Rooms } from './rooms.ts';
import { registerRoutes } from './routes.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { startUpkeepLoop } from './upkeep-loop.ts';

export type ControlPlane = {
  readonly httpUrl: string;
  readonly mqttUrl: string;
  readonly keySet: KeySet;
  /** Stores what waits, ends connections, closes the database. */
  close(): Promise<void>;
};

export type OpenOptions = {
  /** Makes the account `admin` where there is no account, and tells its password, which is kept nowhere. */
  readonly onFirstAdmin?: (password: string) => void;
  /** How dear each guess of a password is; default PASSWORD_COST. */
  readonly passwordCost?: PasswordCost;
};

/** Throws BelayError when anything that it promises cannot be kept; nothing is left running then. */
export async function openControlPlane(config: Config, options: OpenOptions = {}): Promise<ControlPlane> {
  const startedAtMs = Date.now();
  const log = pino({ level: config.log.level }, pino.destination({ fd: 2, sync: true }));
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  await using undo = new AsyncDisposableStack();
  undo.adopt(claimFolder(config.dataDir), (claim) => claim.close());
  const database = undo.adopt(await openDatabase(join(config.dataDir, 'belay.db')), (opened) => opened.destroy());
  const rooms = await openRooms(config, database, log, options.passwordCost);
  undo.adopt(rooms.killSwitch, (room) => room.close());
  undo.adopt(rooms.foresight, (room) => room.close());
  const delivery = createDelivery(rooms);
  const reassert = createReassertLoop({ ...rooms, reassertMs: config.kills.reassertMs });
  const { version } = manifest;
  const own = { version, startedAtMs, dataDir: config.dataDir };
  const metrics = undo.adopt(await openMetrics({ ...rooms, ...own }), (room) => room.close());
  const telemetry = undo.adopt(openTelemetry(rooms, { delivery, reassert, metrics }), (room) => room.close());
  const messaging = undo.adopt(await listen(rooms, telemetry), (broker) => broker.close());
  rooms.outlet.connect(messaging);
  for (const loop of [delivery, reassert]) {
    undo.adopt(loop, (started) => started.close());
    loop.start();
  }
  undo.adopt(rooms.live, (room) => room.close());
  rooms.live.start();
  undo.adopt(startUpkeep(rooms), (loop) => loop.close());
  undo.adopt(rooms.drills, (room) => room.close());
  undo.adopt(rooms.notifications, (room) => room.close()).start();
  const look = (nowMs: number) => rooms.rollouts.tick(nowMs).finally(() => rooms.live.rollouts());
  const tick = (nowMs: number) => look(nowMs).finally(() => rooms.drills.tick(nowMs));
  const ticked = { tick: (nowMs: number) => metrics.timeTick(() => tick(nowMs)) };
  const rolloutLoop = undo.adopt(startRolloutLoop({ ...rooms, rollouts: ticked, tickMs: config.tickMs }), (it) =>
    it.close(),
  );
  const mqttUrl = config.publicUrls.mqtt ?? `mqtt://${authority(config.mqtt.host, messaging.port)}`;
  const asked = { access: accessTo(rooms), answers: answersFrom(rooms) };
  const server = { version, log, loopbackOnly: !config.allowRemote, ...asked };
  const app = undo.adopt(await buildServer(server), (it) => it.close());
  const urls = { mqttUrl, apiUrl: config.publicUrls.http ?? '' };
  const dashboardFolder = join(import.meta.dirname, 'dashboard/dist');
  const running = {
    telemetry,
    messaging,
    metrics,
    rolloutLoop,
    startedAtMs,
    version,
    urls: () => urls,
    dashboardFolder,
  };
  registerRoutes(app, rooms, running);
  await registerDashboard(app, dashboardFolder);
  const httpUrl = await app.listen({ host: config.http.host, port: config.http.port });
  urls.apiUrl ||= httpUrl;
  undo.adopt(await openHomeAssistant(rooms, version), (bridge) => bridge?.close());
  await letSomebodyIn(rooms, options.onFirstAdmin);
  const auditHead = await rooms.audit.head();
  log.info({ httpUrl, mqttUrl, dataDir: config.dataDir, auditHead }, 'control plane is up');
  const everything = undo.move();
  return { httpUrl, mqttUrl, keySet: rooms.signing.keySet, close: () => everything.disposeAsync() };
}

async function letSomebodyIn({ identity, config, log }: Rooms, tell: OpenOptions['onFirstAdmin']): Promise<void> {
  const password = tell ? await makeFirstAdmin(identity) : null;
  if (password !== null) tell?.(password);
  if (config.signIn === 'required' && !identity.hasAdmin())
    log.warn({}, 'nobody can sign in: start it once with --first-admin, or end it and run it with --reset-admin');
}

function createDelivery(rooms: Rooms): DeliveryLoop {
  return createDeliveryLoop({
    ...rooms,
    sign: rooms.signing.sign,
    publish: (topic, text) => rooms.outlet.publish(topic, text, { retain: true, qos: 1 }),
    onSent: (address) => rooms.live.desired(address),
    everyMs: rooms.config.deliveryMs,
  });
}

function openTelemetry(
  rooms: Rooms,
  { delivery, reassert, metrics }: { delivery: DeliveryLoop; reassert: ReassertLoop; metrics: Metrics },
): Telemetry {
  return new Telemetry({
    ...rooms,
    ...rooms.config.telemetry,
    isRegistered: (digest) => rooms.registry.resolve(digest).kind === 'found',
    onKillAck: (event) => {
      rooms.killSwitch.acknowledge(event);
      rooms.live.killAcknowledged();
    },
    onHello: (hello) => rooms.leases.asked(hello),
    onReached: (address) => {
      delivery.noticed(address);
      reassert.noticed(address);
    },
    onArrival: (arrival, atMs) => {
      rooms.live.heard(arrival);
      metrics.heard(arrival, atMs);
    },
    onDesiredWritten: () => delivery.wake(),
    publishAck: ({ site, device, boot, seq }) => {
      const text = JSON.stringify({ v: 1, boot, seq });
      rooms.outlet.publish(deviceTopic({ site, device }, 'ack'), text, { qos: 0 }).catch((error: unknown) => {
        rooms.log.debug(
          { site, device, error: describeError(error) },
          'a watermark could not be sent; the next one will',
        );
      });
    },
  });
}

/** The broker begins with every document that a device could miss: kills first, then what is desired. */
async function listen(rooms: Rooms, telemetry: Telemetry): Promise<Messaging> {
  const { config, signing, killSwitch, database, log, duty } = rooms;
  const kills = await killSwitch.documents();
  const wanted = (await readAllDesired(database)).filter((document) => !duty.isRetired(document));
  const desired = await Promise.all(wanted.map((document) => signDesired(signing.sign, document)));
  const retained = [...kills, ...desired].map(({ topic, text }): RetainedEntry => ({ topic, payload: text, qos: 1 }));
  return openBroker({
    ...config.mqtt,
    authenticate: async (clientId, username, password) => authenticate(rooms, { clientId, username, password }),
    ingest: (message) => telemetry.ingest(message),
    log,
    retained,
  });
}

function startUpkeep(rooms: Rooms): { close(): Promise<void> } {
  const { database, config, wallNow, log, registry, audit } = rooms;
  const keep = {
    keepWindowsMs: config.telemetry.keepWindowsMs,
    keepUnreferencedMs: config.registry.keepUnreferencedMs,
  };
  const parts = { database, artifacts: registry.artifacts, ...keep, wallNow, log, auditHead: () => audit.head() };
  return startUpkeepLoop(parts, config.upkeepMs);
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const USAGE = `node control-plane/main.ts --config FILE [--tether]
node control-plane/main.ts --data FOLDER [--http-port PORT] [--mqtt-port PORT] [--open] [--tether]
node control-plane/main.ts --data FOLDER --reset-admin

  --config FILE   JSON or YAML; control-plane/README.md lists what it may say
  --data FOLDER   without a file: everything by default, kept in this folder
  --first-admin   make the account admin where there is none, and print its password once
  --reset-admin   give admin a new password, print it once, and end; the control plane must not run meanwhile
  --open          nobody signs in: everybody on this machine may do everything (signIn: open)
  --tether        stop when standard input ends (for whoever starts it as a child)
`;

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      config: { type: 'string', short: 'c' },
      data: { type: 'string' },
      'http-port': { type: 'string' },
      'mqtt-port': { type: 'string' },
      open: { type: 'boolean', default: false },
      'first-admin': { type: 'boolean', default: false },
      'reset-admin': { type: 'boolean', default: false },
      tether: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const config = await configOf(values);
  if (values['reset-admin']) {
    tellPassword(await resetAdminIn(config.dataDir));
    return;
  }
  const plane = await openControlPlane(config, values['first-admin'] ? { onFirstAdmin: tellPassword } : {});
  const { httpUrl, mqttUrl } = plane;
  process.stdout.write(`${JSON.stringify({ ready: true, httpUrl, mqttUrl })}\n`);
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    plane.close().then(() => process.exit(0), fail);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
  if (values.tether) process.stdin.on('end', stop).on('error', stop).resume();
}

/** On the terminal, beside the log: standard output is for programs. */
function tellPassword(password: string): void {
  const lines = [
    `Sign in as ${FIRST_ADMIN} with the password`,
    '',
    `    ${password}`,
    '',
    'It is shown this once and kept nowhere.',
  ];
  process.stderr.write(`\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n\n`);
}

type Arguments = {
  readonly config?: string;
  readonly data?: string;
  readonly 'http-port'?: string;
  readonly 'mqtt-port'?: string;
  readonly open?: boolean;
};

async function configOf(values: Arguments): Promise<Config> {
  if (values.config !== undefined) return readConfigFile(values.config);
  if (values.data === undefined) throw new BelayError('config-missing', `say what to run:\n${USAGE}`);
  const port = (text: string | undefined) => (text === undefined ? {} : { port: Number(text) });
  const input = { dataDir: resolve(values.data), http: port(values['http-port']), mqtt: port(values['mqtt-port']) };
  const signIn = values.open ? { signIn: 'open' } : {};
  return parseConfig({ ...input, ...signIn }, 'the command line');
}

function fail(error: unknown): never {
  process.stderr.write(`belay control plane: ${describeError(error)}\n`);
  process.exit(1);
}

if (import.meta.main) run().catch(fail);
