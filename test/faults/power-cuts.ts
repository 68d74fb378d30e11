// Power cuts: one real agent on a real file system goes through downloads, installs, switches and a busy spool; at drawn
// instants it is frozen, its disk is copied as it stands, the copy is mounted and looked at, and an agent is started on it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Device } from './device.ts';
import { checkDataDir } from './disk-check.ts';
import { type Image, makeImage, mountImage } from './disks.ts';
import type { Ground } from './ground.ts';
import type { Package } from './packages.ts';
import { type Row, RowBuilder } from './row.ts';
import type { Voice } from './voice.ts';

const IMAGE_MEBIBYTES = 192;
const PROMISE = 'state readable, whole models only, no acknowledged safety event lost, the committed release answers';
/** Instants are drawn up to this long after the step has begun: a little longer than the step takes. */
const DOWNLOAD_MS = 350;
const INSTALL_MS = 60;
const PROVING_MS = 1500;
const COMMIT_MS = 120;
const SPOOL_MS = 120;

export type CutOptions = {
  /** Cuts in each of the four phases. */
  readonly cuts: number;
  /** An agent is started on every n-th copy of a phase. */
  readonly startEvery: number;
  readonly dice: () => number;
  readonly say: (text: string) => void;
};

type Rig = {
  readonly ground: Ground;
  readonly options: CutOptions;
  readonly voice: Voice;
  readonly image: Image;
  readonly device: Device;
  /** May be the committed one now. */
  committed: readonly string[];
};

export async function* cutPower(ground: Ground, options: CutOptions): AsyncGenerator<Row> {
  const voice = await ground.openVoice();
  const image = makeImage(ground.folder, 'power', IMAGE_MEBIBYTES);
  ground.workspace.defer(() => image.unmount());
  const dataDir = join(image.path, 'data');
  const device = ground.start('power', { dataDir, voice });
  await device.firstAnswer();
  await device.await('hello', () => voice.boots.length > 0);
  const rig: Rig = { ground, options, voice, image, device, committed: [ground.factory.digest] };
  yield await cutDownloads(rig);
  yield await cutInstalls(rig);
  yield await cutSwitches(rig);
  yield await cutSpool(rig);
  await device.kill();
  image.unmount();
}

async function cutDownloads(rig: Rig): Promise<Row> {
  const { ground, options, voice } = rig;
  const row = new RowBuilder('power cut during a download', PROMISE);
  voice.pieceMs = 5;
  return cutAll(
    rig,
    row,
    async (cut) => {
      await orderNew(rig, `2.0.${cut}`);
      await wait(options.dice() * DOWNLOAD_MS);
    },
    (seen) => seen.halves > 0,
  ).finally(() => {
    voice.pieceMs = 0;
    return voice.order({ baseline: ground.factory });
  });
}

async function cutInstalls(rig: Rig): Promise<Row> {
  const row = new RowBuilder('power cut during an install', PROMISE);
  return cutAll(
    rig,
    row,
    async (cut) => {
      const pack = await orderNew(rig, `2.1.${cut}`);
      const last = [...pack.artifacts.keys()].at(-1) ?? '';
      const model = [...pack.artifacts.keys()][0] ?? '';
      // The model is the only new file after the first release: when it has been sent, the install begins.
      await rig.device.await('download', () =>
        rig.voice.delivered.some((path) => path.endsWith(model) || path.endsWith(last)),
      );
      rig.voice.delivered.length = 0;
      await wait(rig.options.dice() * INSTALL_MS);
    },
    (seen) => seen.releases > row.runs,
  );
}

/** Two releases by turns: each is proven, serves, becomes the baseline; cuts fall on the way and at the commit. */
async function cutSwitches(rig: Rig): Promise<Row> {
  const { device, voice, options, ground } = rig;
  const row = new RowBuilder('power cut during a switch', PROMISE);
  const pair = [ground.packages.make('3.0.0'), ground.packages.make('3.1.0')] as const;
  for (const pack of pair) voice.publish(pack);
  let baseline = ground.factory;
  return cutAll(
    rig,
    row,
    async (cut) => {
      const next = pair[(cut >> 1) % 2] ?? ground.factory;
      if (cut % 2 === 0) {
        await voice.order({ baseline, candidate: next });
        await wait(options.dice() * PROVING_MS);
        return;
      }
      await device.await('the candidate', () => device.answers().at(-1)?.model_digest === next.digest);
      rig.committed = [baseline.digest, next.digest];
      const commits = count(device, 'committed');
      await voice.order({ baseline: next });
      baseline = next;
      await wait(options.dice() * COMMIT_MS);
      return async () => {
        await device.await('the commit', () => count(device, 'committed') > commits);
        rig.committed = [next.digest];
      };
    },
    () => count(device, 'committed') > 0,
  );
}

/** Kills and their ends in quick succession, each a safety event, with the control plane now acknowledging and now not. */
async function cutSpool(rig: Rig): Promise<Row> {
  const { voice, options } = rig;
  const row = new RowBuilder('power cut while the spool is written', PROMISE);
  const busy = { isOver: false };
  const storm = stir(voice, busy);
  try {
    return await cutAll(
      rig,
      row,
      async (cut) => {
        voice.isAcknowledging = cut % 3 === 0;
        await wait(200 + options.dice() * SPOOL_MS);
      },
      (seen) => seen.events > 10 * row.runs,
    );
  } finally {
    busy.isOver = true;
    voice.isAcknowledging = true;
    await storm;
    await voice.kill(false);
  }
}

async function stir(voice: Voice, busy: { readonly isOver: boolean }): Promise<void> {
  for (let turn = 0; !busy.isOver; turn += 1) {
    await voice.kill(turn % 2 === 0);
    await wait(25);
  }
}

/** Leads the agent into the phase; the cut falls when it returns. What it gives back is done after the cut. */
type Lead = (cut: number) => Promise<(() => Promise<void>) | undefined | void>;

type Seen = { readonly events: number; readonly releases: number; readonly halves: number };

/** `reaches` tells a phase that was cut from one that was only meant to be. */
async function cutAll(rig: Rig, row: RowBuilder, lead: Lead, reaches: (seen: Seen) => boolean): Promise<Row> {
  const seen = { events: 0, releases: 0, halves: 0, slowestMs: 0, starts: 0 };
  for (let cut = 0; cut < rig.options.cuts; cut += 1) {
    row.runs += 1;
    const after = await lead(cut);
    const isStarted = cut % rig.options.startEvery === rig.options.startEvery - 1;
    const found = await cutOnce(rig, row, isStarted);
    seen.events += found.events;
    seen.releases += found.whole;
    seen.halves += found.halves;
    seen.starts += found.startMs === null ? 0 : 1;
    seen.slowestMs = Math.max(seen.slowestMs, found.startMs ?? 0);
    await after?.();
    rig.options.say(`${row.runs}`);
  }
  if (!reaches(seen)) row.check(false, `no cut has caught the agent at it: ${JSON.stringify(seen)}`);
  const starts = `${seen.starts} agents started on a copy, the slowest answered after ${(seen.slowestMs / 1000).toFixed(1)} s`;
  const looked = `${seen.releases} releases, ${seen.halves} half ones and ${seen.events} events looked at`;
  return row.row(`${looked}; ${starts}`);
}

async function cutOnce(rig: Rig, row: RowBuilder, isStarted: boolean) {
  const { ground, device, image, voice } = rig;
  await device.freeze();
  const events = device.loggedEvents();
  const copy = join(ground.folder, 'cut.img');
  image.copyTo(copy);
  const boot = bootOf(voice);
  const isKnown = events.map(({ seq }) => seq).filter((seq) => voice.hasAcknowledged({ boot, seq }));
  device.thaw();
  const disk = mountImage(copy, join(ground.folder, 'cut'));
  try {
    const dataDir = join(disk.path, 'data');
    const isAcknowledged = (seq: number) => isKnown.includes(seq);
    const expected = { boot, events, isAcknowledged, committed: rig.committed };
    const { faults, durable, whole, halves } = checkDataDir(dataDir, expected);
    for (const fault of faults) row.check(false, fault);
    const startMs = isStarted && durable ? await startOn(ground, dataDir, durable.committed.digest, row) : null;
    return { events: events.length, whole, halves, startMs };
  } finally {
    disk.unmount();
    rmSync(copy, { force: true });
  }
}

/** An agent on the copy, alone as after a night without power and network: its first answer is the committed release's. */
async function startOn(ground: Ground, dataDir: string, committed: string, row: RowBuilder): Promise<number> {
  const startedAtMs = performance.now();
  const device = ground.start('after-cut', { dataDir, voice: null });
  try {
    await device.firstAnswer();
    const [first] = device.answers();
    row.check(first?.model_digest === committed, `the first answer is of ${first?.model_digest}, not of ${committed}`);
  } catch (error) {
    row.check(false, (error as Error).message);
  } finally {
    await device.kill();
  }
  return performance.now() - startedAtMs;
}

async function orderNew({ ground, voice }: Rig, version: string): Promise<Package> {
  const pack = ground.packages.make(version);
  voice.publish(pack);
  await voice.order({ baseline: ground.factory, candidate: pack, role: 'prove' });
  return pack;
}

function bootOf(voice: Voice): string {
  return voice.boots[0] ?? '';
}

function count(device: Device, kind: string): number {
  return device.loggedEvents().filter(({ event }) => event === kind).length;
}
