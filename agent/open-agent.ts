// Puts the agent together: the only place that constructs its parts. The order matters: state and baseline first,
// the link last, so that a device answers frames before it has heard of any network.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { describeError } from '../shared/basics/errors.ts';
import { deviceAuthorization } from '../shared/protocol/device-authorization.ts';
import { afterOnTheClock } from './after.ts';
import { type Artifacts, type Installed, openArtifacts } from './artifacts/artifacts.ts';
import { CameraWatch } from './camera-watch.ts';
import { openChildLedger } from './child-ledger.ts';
import type { AgentConfig } from './config.ts';
import { connect } from './connect.ts';
import { ControlLoop, type ControlLoopParts } from './control-loop.ts';
import { killEpochOf } from './core/kills.ts';
import { prewarmOf } from './core/prewarm.ts';
import { type CoreState, type DurableState, freshDurable, openCore, type Priority } from './core/state.ts';
import { FrameLoop } from './frame-loop.ts';
import { sweepRings } from './frames/frames.ts';
import { openHello } from './hello.ts';
import { openLauncher } from './inference/inference.ts';
import type { Link } from './link/link.ts';
import { openMachineUses } from './machine-use.ts';
import { type Onlookers, openOnlookers } from './onlookers.ts';
import { openProofFile } from './proof-file.ts';
import { publishReport } from './publish-report.ts';
import { openRehearsal } from './rehearsal.ts';
import { RoleClock } from './role-clock.ts';
import { RunnerPool } from './runner-pool.ts';
import { openSensors } from './sensors/sensors.ts';
import { openSinks } from './sinks/sinks.ts';
import { openClockWatch } from './state/clock-watch.ts';
import { openDiskWatch } from './state/disk-watch.ts';
import { openSlots, type Slots } from './state/slots.ts';
import { openSteps } from './steps.ts';
import { openSuspendWatch } from './suspend-watch.ts';
import { openReferenceFile } from './telemetry/camera-reference-file.ts';
import { openReporter } from './telemetry/reporter.ts';
import { openSpool } from './telemetry/spool.ts';
import { openTelemetry } from './telemetry/telemetry.ts';

export type Agent = { readonly close: () => Promise<void> };

export type AgentParts = {
  readonly config: AgentConfig;
  readonly version: string;
  readonly log: Logger;
  /** Of this process: what systemd has put there. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Starts everything. Rejects with a BelayError when this device cannot even serve its factory release. */
export async function openAgent(parts: AgentParts): Promise<Agent> {
  const floor = await openFloor(parts);
  const loops = openLoops(parts, floor);
  const { control, cameraWatch, frameLoop } = loops;
  const { artifacts, launcher, telemetry } = floor;
  const { config, log } = parts;
  const send = control.send.bind(control);
  const threadsFor = (release: Installed, priority: Priority) => threadsOf(config, release, priority);
  const cameras = await cameraWatch.open();
  const { discardDamaged } = artifacts;
  const readInstalled = async (digest: string) => {
    const release = await artifacts.readInstalled(digest);
    floor.rehearsal.learn(release);
    return release;
  };
  const prewarmFor = (digest: string) => prewarmOf(control.state(), digest);
  const isProven = (digest: string) => control.state().proofs.get(digest)?.passed === true;
  const releases = { readInstalled, discardDamaged, threadsFor, prewarmFor, isProven };
  const pool = new RunnerPool({ cameras, frameLoop, launcher, ...releases, telemetry, send, log });
  const { device, ringDir } = config;
  const wakeReporter = floor.reporter.wake;
  const sayHello = helloOf(parts, floor, control);
  const own = { pool, send, wakeReporter, sayHello, threadsFor, prewarmFor, device, ringDir, log };
  const steps = openSteps({ ...floor, ...loops, ...own });
  floor.late.carryOut = steps.carryOut;
  floor.late.standBy = (release) => pool.standBy(release?.digest ?? null);
  control.start(floor.slots.reading.found);
  const onlookers = openOnlookers({ ...parts, ...floor, ...loops, cameras });
  floor.late.onlookers = onlookers;
  floor.late.link = await connect({ ...parts, ...floor, control, onlookers });
  return {
    close: async () => {
      control.stop();
      const seenOff = onlookers.close();
      await Promise.all([floor.late.link?.close(), steps.cancelAll(), pool.close()]);
      await cameraWatch.close();
      floor.reporter.close();
      await Promise.all([floor.sinks.close(), seenOff]);
      floor.spool.close();
      floor.slots.close();
      floor.ledger.close();
    },
  };
}

/** Parts that know nothing of each other's decisions: disk, spool, telemetry, sinks, clocks. */
async function openFloor({ config, version, log }: AgentParts) {
  const monotonicNow = () => Number(process.hrtime.bigint()) / 1e6;
  // A clock before 1970 is as wrong as one in 1970, and every document can say 0.
  const wallNow = () => Math.max(0, Date.now());
  const boot = randomBytes(8).toString('hex');
  mkdirSync(config.dataDir, { recursive: true });
  const ledger = openChildLedger(config.dataDir, log);
  const launcher = openLauncher({ ...config, log });
  const artifacts = openArtifacts({
    dataDir: config.dataDir,
    apiUrl: config.controlPlane?.apiUrl ?? null,
    authorization: config.controlPlane ? deviceAuthorization(config, config.controlPlane.password) : undefined,
    device: `${config.site}/${config.device}`,
    download: config.download,
    monotonicNow,
    wallNow,
  });
  const slots = openSlots(config.dataDir, wallNow);
  const durable = await readDurable(slots, artifacts, config, log);
  mkdirSync(config.ringDir, { recursive: true });
  sweepRings(config.ringDir);
  const proofs = openProofFile(config.dataDir, version, log);
  const spool = openSpool({ path: join(config.dataDir, 'spool.db'), boot, log, bytesMax: config.spoolBytesMax });
  const { site, device, hardwareClass, line, procRoot, sysRoot } = config;
  const identity = { site, device, hardwareClass, line };
  const references = openReferenceFile({ dataDir: config.dataDir, cameras: config.cameras, log });
  const told = { spool, log, procRoot, healthReferences: references.known };
  const telemetry = openTelemetry({ identity, boot, wallNow, monotonicNow, ...told });
  const diskWatch = openDiskWatch({ slots, spool, wallNow, emit: telemetry.emit });
  const clockWatch = openClockWatch({ slots, wallNow, monotonicNow, emit: telemetry.emit, log });
  const sensors = openSensors({ sysRoot, procRoot });
  const roleClock = new RoleClock(monotonicNow);
  // The core and its hands know each other, and the link comes last: they are named before they are there.
  const late: Late = {
    link: null,
    onlookers: null,
    carryOut: () => undefined,
    standBy: () => undefined,
    serving: () => null,
  };
  const rehearsal = openRehearsal({ serving: () => late.serving(), monotonicNow, log });
  const link: Pick<Link, 'publish' | 'isUp'> = {
    isUp: () => late.link?.isUp() ?? false,
    publish: (channel, payload, options) => {
      if (rehearsal.withholds(channel)) return Promise.reject(new Error('withheld: a drill rehearses silence'));
      return late.link?.publish(channel, payload, options) ?? Promise.reject(new Error('this device has no link'));
    },
  };
  const reporter = openReporter({ spool, link, monotonicNow, log });
  const sinks = openSinks(config.sinks, { link, monotonicNow, log });
  const disk = { artifacts, slots, durable, proofs, spool, clockWatch, diskWatch, ledger, launcher };
  return {
    ...disk,
    boot,
    monotonicNow,
    wallNow,
    telemetry,
    references,
    sensors,
    roleClock,
    rehearsal,
    late,
    link,
    reporter,
    sinks,
  };
}

type Late = { -readonly [K in 'carryOut' | 'standBy']: Required<ControlLoopParts>[K] } & {
  link: Link | null;
  onlookers: Onlookers | null;
  serving: () => string | null;
};
type Floor = Awaited<ReturnType<typeof openFloor>>;

/** The two loops and the cameras that feed them. */
function openLoops({ config, version, log }: AgentParts, floor: Floor) {
  const { site, device, ringDir } = config;
  const { boot, telemetry, sensors, roleClock, reporter, sinks, link, monotonicNow, wallNow, late, launcher } = floor;
  const { durable, proofs, clockWatch, diskWatch } = floor;
  const clocks = { monotonicNowMs: monotonicNow(), wallNowMs: wallNow() };
  const memoryReserveBytes = config.memoryReserveMb * 1024 * 1024;
  const machineUses = openMachineUses(config.procRoot, process.pid);
  const control: ControlLoop = new ControlLoop(
    openCore({ site, device, boot, ...clocks, durable, proofs: proofs.proofs, memoryReserveBytes }),
    {
      carryOut: (effect) => late.carryOut(effect),
      readSensors: () => {
        const reading = floor.rehearsal.feel(sensors.read());
        telemetry.recordSensors(reading);
        return reading;
      },
      readMachineUse: (state) =>
        machineUses.read([...state.holdings.keys()].flatMap((digest) => frameLoop.pidsOf(digest))),
      standBy: (release) => late.standBy(release),
      cameras: () => cameraWatch.states(),
      closeWindow: (state) => {
        cameraWatch.report((cameraId) => frameLoop.counter.take(cameraId));
        telemetry.closeWindow(windowFacts(state, roleClock));
        floor.references.keep(telemetry.healthReferences());
        sinks.tellDropped();
        clockWatch.look();
        diskWatch.look();
        reporter.wake();
      },
      publishReport: (body) =>
        publishReport(sensors.hardware, { config, version, boot, log, link, wallNow, launcher, sinks }, body),
      killFiles: [join(config.dataDir, 'kill'), config.killFile],
      windowMs: config.windowMs,
      monotonicNow,
      wallNow,
      sleptMs: openSuspendWatch({ monotonicNow }),
      log,
    },
  );
  const core = { state: () => control.state(), send: control.send.bind(control) };
  late.serving = () => control.state().serving.ref?.digest ?? null;
  const frameLoop: FrameLoop = new FrameLoop({
    site,
    device,
    boot,
    core,
    telemetry,
    publish: (record, lane) => sinks.publish(record, lane),
    onAnswered: (answered) => late.onlookers?.onAnswered(answered),
    releaseSlot: (cameraId, slot) => cameraWatch.release(cameraId, slot),
    monotonicNow,
    after: afterOnTheClock,
  });
  const onFrame = frameLoop.onFrame.bind(frameLoop);
  const cameraWatch: CameraWatch = new CameraWatch({
    configs: config.cameras,
    device,
    ringDir,
    telemetry,
    onFrame,
    monotonicNow,
    log,
  });
  return { control, frameLoop, cameraWatch };
}

/** What the slots say, or a fresh start from the factory package. */
async function readDurable(
  slots: Slots,
  artifacts: Artifacts,
  config: AgentConfig,
  log: Logger,
): Promise<DurableState> {
  const known = slots.reading.durable;
  try {
    const factory = (await artifacts.importPackage(config.factory)).ref;
    return known === null ? freshDurable(factory) : { ...known, factory };
  } catch (error) {
    if (known === null) throw error;
    log.warn({ error: describeError(error) }, 'the factory package is not there; what is installed goes on');
    return known;
  }
}

function threadsOf(config: AgentConfig, release: Installed, priority: Priority): number {
  if (priority === 'shadow') return 1;
  return config.threads ?? Math.min(release.manifest.runtime.intraOpThreads, Math.max(1, config.cores - 1));
}

function windowFacts(state: CoreState, roleClock: RoleClock) {
  return {
    cohortId: state.desired?.cohortId ?? 'baseline',
    generation: state.desired?.generation ?? state.durable.desired?.generation ?? 0,
    killEpoch: killEpochOf(state.durable),
    activeMsByRole: roleClock.take(),
  };
}

function helloOf({ config, version, log }: AgentParts, { boot, spool, link }: Floor, control: ControlLoop) {
  const { site, device, hardwareClass, line } = config;
  const header = { v: 1 as const, site, device, boot, agentVersion: version, hardwareClass, line };
  return openHello({ header, state: () => control.state(), spool, link, log });
}
