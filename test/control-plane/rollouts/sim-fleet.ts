// A small fleet that does what its desired documents say, over a real database: it reports, it writes windows, it can be slow,
// blind, offline or stubborn. Time is a number that the test moves.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { pino } from 'pino';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { readDesired } from '../../../control-plane/devices/desired-store.ts';
import type { Device } from '../../../control-plane/devices/device.ts';
import { readDuty } from '../../../control-plane/devices/duty-rows.ts';
import type { RegistryDoor } from '../../../control-plane/rollouts/parts.ts';
import { openRollouts, type Rollouts } from '../../../control-plane/rollouts/rollouts.ts';
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import type { Desired, KillScope, ReleaseRef } from '../../../shared/protocol/documents.ts';
import type { GoldenScore } from '../../../shared/protocol/golden-score.ts';
import { type DeviceEvent, type Reported, reportedSchema } from '../../../shared/protocol/reports.ts';
import { armOf, BASELINE, CANDIDATE, gaussian, pairedOf, seeded, WINDOW_MS, windowOf } from '../core/builders.ts';

export const OLD: ReleaseRef = { release: 'cv-detector:1.8.2+data=aaaa', digest: BASELINE };
export const NEW: ReleaseRef = { release: 'cv-detector:2.0.0+data=bbbb', digest: CANDIDATE };
/** Another candidate of the same model. */
export const NEXT: ReleaseRef = { release: 'cv-detector:2.1.0+data=cccc', digest: 'e'.repeat(64) };
const RELEASES = [OLD, NEW, NEXT];
const LABELS = ['scratch', 'dent', 'micro-crack', 'spill'];

/** How the candidate behaves on the devices. */
export type Behaviour = {
  readonly latencyFactor?: number;
  /** At these sites alone. */
  readonly latencyFactorAt?: Readonly<Record<string, number>>;
  /** How the baseline behaves: a device that was harmed stays slow after it went back. */
  readonly baselineFactor?: number;
  /** Share of the baseline's confident cracks that it loses. */
  readonly lostShare?: number;
  /** Devices that quarantine it at first sight. */
  readonly refusedBy?: readonly string[];
  /** Devices that never leave `proving`. */
  readonly stuckOn?: readonly string[];
};

export type SimDevice = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  line: string;
  readonly speed: number;
  committed: ReleaseRef;
  online: boolean;
  /** The control plane has just started, and it has not come back yet. */
  isAwaited?: boolean;
  lastSeenAtMs: number;
  seq: number;
  servedFrames: number;
  serving: string;
  quarantined: boolean;
  /** Its lease has lapsed: it answers with the baseline and says why. */
  lapsed: boolean;
};

export type SimFleet = {
  readonly database: Database;
  readonly rollouts: Rollouts;
  readonly devices: readonly SimDevice[];
  /** What the control plane knows of them. */
  readonly rooms: { readonly devices: { list(): Promise<readonly Device[]> } };
  readonly registryNotes: string[];
  nowMs: number;
  behaviour: Behaviour;
  /** Devices act and report, windows arrive, rollouts are decided on: `minutes` times. */
  run(minutes: number): Promise<void>;
  runUntil(done: () => Promise<boolean>, minutesMax: number): Promise<void>;
  reopen(): Rollouts;
  /** Starts a rollout; its id. Throws when it is refused. */
  begin(file: string): Promise<string>;
  /** Throws where there is none. */
  view(id: string): Promise<RolloutView>;
  kill(id: string, scope: KillScope): Promise<void>;
  rearm(id: string): Promise<void>;
  /** A new device comes to a site. */
  join(site: string, device: string): SimDevice;
  /** What a device tells in its spool. */
  tell(device: SimDevice, event: Pick<DeviceEvent, 'kind' | 'reason'>): Promise<void>;
  desired(device: string): Promise<Desired | null>;
  close(): Promise<void>;
};

export type SimOptions = { readonly perSite: number; readonly sites?: readonly string[]; readonly seed?: number };

export async function openSimFleet(options: SimOptions): Promise<SimFleet> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-rollouts-'));
  const database = await openDatabase(join(folder, 'belay.db'));
  // Nobody pulls the plug on a test; a flush per minute of simulated life would be most of its time.
  await sql`pragma synchronous = off`.execute(database);
  const random = seeded(options.seed ?? 1);
  const devices = (options.sites ?? ['plant-a']).flatMap((site) =>
    Array.from({ length: options.perSite }, (_, i) => newDevice(site, `${site.slice(-1)}-dev-${i + 1}`, random)),
  );
  const registryNotes: string[] = [];
  const registry = fakeRegistry(registryNotes);
  const known = { list: async () => Promise.all(devices.map((device) => readDevice(database, device))) };
  const open = () =>
    openRollouts({
      database,
      registry,
      devices: known,
      audit: openAudit({ database, wallNow: () => fleet.nowMs }),
      wallNow: () => fleet.nowMs,
      startedAtMs: fleet.nowMs,
      log: pino({ level: 'silent' }),
    });
  const fleet: SimFleet = {
    database,
    devices,
    rooms: { devices: known },
    registryNotes,
    nowMs: 1_700_000_000_000,
    behaviour: {},
    rollouts: undefined as unknown as Rollouts,
    run: async (minutes) => {
      for (let minute = 0; minute < minutes; minute += 1) await liveOneMinute(fleet, random);
    },
    runUntil: async (done, minutesMax) => {
      for (let minute = 0; minute < minutesMax; minute += 1) {
        if (await done()) return;
        await liveOneMinute(fleet, random);
      }
      if (!(await done())) throw new Error(`not reached within ${minutesMax} minutes`);
    },
    reopen: () => Object.assign(fleet, { rollouts: open() }).rollouts,
    begin: async (file) => {
      const started = await fleet.rollouts.start({ file, actor: 'engineer', reason: 'better' });
      if (started.kind !== 'started') throw new Error(JSON.stringify(started));
      return started.id;
    },
    view: async (id) => {
      const found = await fleet.rollouts.get(id);
      if (found === null) throw new Error(`no rollout ${id}`);
      return found;
    },
    kill: async (id, scope) => {
      const row = { id, scope: JSON.stringify(scope), topic: 't', reason: 'smoke', actor: 'on-call', epoch: 1 };
      const empty = { cleared_at_ms: null, cleared_by: null, cleared_reason: null, cleared_epoch: null };
      await database
        .insertInto('kills')
        .values({ ...row, ...empty, raised_at_ms: fleet.nowMs, recipients: '[]' })
        .execute();
    },
    rearm: async (id) => {
      await database.updateTable('kills').set({ cleared_at_ms: fleet.nowMs }).where('id', '=', id).execute();
    },
    join: (site, name) => {
      const device = newDevice(site, name, random);
      devices.push(device);
      return device;
    },
    tell: (device, event) => writeEvent(fleet, device, event),
    desired: async (device) => {
      const found = devices.find((each) => each.device === device);
      return found ? readDesired(database, found) : null;
    },
    close: async () => {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
  fleet.reopen();
  await fleet.run(15);
  return fleet;
}

function newDevice(site: string, device: string, random: () => number): SimDevice {
  return {
    site,
    device,
    hardwareClass: 'orin-nx',
    line: 'line-1',
    speed: 20 * Math.exp(0.1 * gaussian(random)),
    committed: OLD,
    online: true,
    lastSeenAtMs: 0,
    seq: 0,
    servedFrames: 0,
    serving: BASELINE,
    quarantined: false,
    lapsed: false,
  };
}

async function liveOneMinute(fleet: SimFleet, random: () => number): Promise<void> {
  const startAtMs = fleet.nowMs;
  fleet.nowMs += WINDOW_MS;
  for (const device of fleet.devices) {
    if (!device.online) continue;
    device.lastSeenAtMs = fleet.nowMs;
    const desired = await readDesired(fleet.database, device);
    act(device, desired, fleet.behaviour);
    await writeWindow(fleet, { device, desired, startAtMs, random });
  }
  await fleet.rollouts.tick(fleet.nowMs);
}

/** What an agent does with its desired document, without the details. */
function act(device: SimDevice, desired: Desired | null, { refusedBy = [] }: Behaviour): void {
  if (desired?.candidate && refusedBy.includes(device.device)) device.quarantined = true;
  const wantsCandidate = desired?.candidate?.role === 'serve' && !device.quarantined && !device.lapsed;
  const wanted = wantsCandidate ? desired?.candidate : desired?.baseline;
  const serving = wanted?.digest ?? device.committed.digest;
  device.servedFrames = serving === device.serving ? device.servedFrames + 300 : 300;
  device.serving = serving;
  if (desired && !desired.candidate) device.committed = desired.baseline;
}

type Minute = {
  readonly device: SimDevice;
  readonly desired: Desired | null;
  readonly startAtMs: number;
  readonly random: () => number;
};

async function writeWindow(fleet: SimFleet, { device, desired, startAtMs, random }: Minute): Promise<void> {
  device.seq += 1;
  const isCandidate = device.serving !== BASELINE && device.committed.digest !== device.serving;
  const isShadow = desired?.candidate?.role === 'shadow' && !device.quarantined;
  const latencyMs =
    device.speed *
    Math.exp(0.04 * gaussian(random)) *
    (device.serving === CANDIDATE ? candidateFactor(fleet.behaviour, device) : (fleet.behaviour.baselineFactor ?? 1));
  const serving = armOf({ digest: device.serving, role: isCandidate ? 'candidate' : 'baseline', latencyMs });
  const lost = Array.from({ length: 5 }, random).filter((value) => value < (fleet.behaviour.lostShare ?? 0)).length;
  const window = windowOf({
    site: device.site,
    device: device.device,
    seq: device.seq,
    startAtMs,
    arms: isShadow ? [serving, armOf({ digest: CANDIDATE, role: 'shadow', latencyMs: 60 })] : [serving],
    paired: isShadow ? pairedOf([{ class: 'micro-crack', base: 5, lost }]) : null,
  });
  const { site, boot, seq, endAtMs } = window;
  await fleet.database
    .insertInto('windows')
    .values({
      site,
      device: device.device,
      boot,
      seq,
      start_at_ms: startAtMs,
      end_at_ms: endAtMs,
      received_at_ms: fleet.nowMs,
      document: JSON.stringify(window),
    })
    .execute();
}

function candidateFactor({ latencyFactor = 1, latencyFactorAt = {} }: Behaviour, { site }: SimDevice): number {
  return latencyFactorAt[site] ?? latencyFactor;
}

async function writeEvent(fleet: SimFleet, device: SimDevice, { kind, reason }: Pick<DeviceEvent, 'kind' | 'reason'>) {
  device.seq += 1;
  const { site, seq } = device;
  const at = { at_ms: fleet.nowMs, received_at_ms: fleet.nowMs };
  const about = { boot: 'boot-0001', seq, kind, digest: CANDIDATE, rollout_id: null };
  const document = JSON.stringify({ kind, reason });
  await fleet.database
    .insertInto('events')
    .values({ site, device: device.device, ...about, ...at, document })
    .execute();
}

async function readDevice(database: Database, device: SimDevice): Promise<Device> {
  const desired = await readDesired(database, device);
  const { site, hardwareClass, online, lastSeenAtMs } = device;
  const reported = device.seq === 0 ? null : reportOf(device, desired);
  return {
    site,
    device: device.device,
    hardwareClass,
    line: device.line,
    online,
    isAwaited: device.isAwaited === true,
    firstSeenAtMs: 0,
    lastSeenAtMs,
    boot: 'boot-0001',
    hello: null,
    reported,
    desired,
    duty: await readDuty(database, device),
  };
}

function reportOf(device: SimDevice, desired: Desired | null): Reported {
  const candidate = desired?.candidate ?? null;
  const isServing = device.serving !== BASELINE && device.committed.digest !== device.serving;
  const phase = isServing ? 'candidate' : candidate?.role === 'shadow' && !device.quarantined ? 'shadow' : 'baseline';
  const proof = { passed: true, reason: 'fine', atMs: 1, frames: 50, loadMs: 1, coldStartMs: 1, scores: SCORES };
  const { release = '', digest = '' } = candidate ?? {};
  const proven = candidate !== null && !device.quarantined ? [{ release, digest, ...proof }] : [];
  return reportedSchema.parse({
    v: 1,
    site: device.site,
    device: device.device,
    boot: 'boot-0001',
    atMs: device.lastSeenAtMs,
    agentVersion: '1',
    hardwareClass: device.hardwareClass,
    line: device.line,
    generation: desired?.generation ?? 0,
    killEpoch: 0,
    phase,
    serving: RELEASES.find(({ digest }) => digest === device.serving) ?? OLD,
    servedFrames: device.servedFrames,
    servingBecause: 'simulated',
    committed: device.committed,
    previous: null,
    candidate: candidate && {
      release: candidate.release,
      digest: candidate.digest,
      role: candidate.role,
      state: phase,
    },
    mode: 'warm',
    provider: null,
    proofs: [{ ...OLD, ...proof }, ...proven],
    quarantine: device.quarantined ? [{ ...NEW, reason: 'NaN answers', kind: 'non-finite', sinceMs: 1 }] : [],
    kills: [],
    ...leaseOf(device, candidate),
  });
}

function leaseOf({ lapsed }: SimDevice, candidate: Desired['candidate']): Pick<Reported, 'lease' | 'blocked'> {
  return {
    lease: candidate?.lease ? { state: lapsed ? 'lapsed' : 'running', leftMs: 0 } : null,
    blocked: lapsed ? [{ kind: 'lease-lapsed', reason: 'not renewed', sinceMs: 1 }] : [],
  };
}

const SCORES: readonly GoldenScore[] = [
  { class: '*', size: 'all', objects: 100, found: 90, falseAlarms: 10, ap50: 0.9 },
];

function fakeRegistry(notes: string[]): RegistryDoor {
  const release = (ref: ReleaseRef) => ({
    manifest: {
      labels: LABELS.map((name) => ({ name })),
      provenance: { codeCommit: 'abc1234', dataTag: 'aaaa', trainConfigSha256: 'd'.repeat(64) },
      golden: { frames: 'golden/frames.bin' },
    },
    state: 'registered',
    id: ref.release,
    digest: ref.digest,
  });
  return {
    resolve: (reference) => {
      const ref = RELEASES.find(({ release }) => release.startsWith(`${reference}+`));
      return ref ? { kind: 'found', ref } : { kind: 'unknown' };
    },
    get: async (digest) =>
      release(RELEASES.find((ref) => ref.digest === digest) ?? OLD) as unknown as Awaited<
        ReturnType<RegistryDoor['get']>
      >,
    markState: async (_database, _digest, { state, reason }) => {
      notes.push(`${state}: ${reason}`);
    },
    addNote: async (_database, _digest, { kind, text }) => {
      notes.push(`${kind}: ${text}`);
    },
  };
}
