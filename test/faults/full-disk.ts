// A disk that others fill to the last byte and keep full: the line is answered, safety events are stored, windows give way
// and are counted, an agent starts there, and everything recovers by itself when the disk is free again.
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { openSpool } from '../../agent/telemetry/spool.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { buildBody, buildEvent } from '../agent/telemetry/spool-builder.ts';
import type { Device } from './device.ts';
import { type Disk, freeBytesOf, makeImage, mountTmpfs } from './disks.ts';
import type { Ground } from './ground.ts';
import { type Row, RowBuilder } from './row.ts';
import type { Voice } from './voice.ts';

const START_MS_MAX = 5000;
/** The best of these counts: what else the machine does is not the agent's. */
const START_TRIES = 3;
const WINDOWS = 8;
const KILLS = 6;
const KEEP_FULL_MS = 20;
const PIECES = [1 << 20, 64 * 1024, 4096, 512, 1];

/** Takes every byte that becomes free, until it is stopped. */
class Filler {
  readonly #path: string;
  readonly #file: number;
  readonly #timer: NodeJS.Timeout;

  constructor(disk: Disk) {
    this.#path = join(disk.path, 'foreign-file');
    this.#file = openSync(this.#path, 'w');
    this.#fill();
    this.#timer = setInterval(() => this.#fill(), KEEP_FULL_MS);
  }

  free(): void {
    clearInterval(this.#timer);
    closeSync(this.#file);
    rmSync(this.#path);
  }

  #fill(): void {
    for (const bytes of PIECES) while (this.#takes(bytes));
  }

  #takes(bytes: number): boolean {
    try {
      return writeSync(this.#file, Buffer.alloc(bytes, 0x66)) === bytes;
    } catch {
      return false;
    }
  }
}

/** The short run leaves out what only says the same on another file system. */
export async function* fillDisks(ground: Ground, isShort: boolean): AsyncGenerator<Row> {
  for (const kind of isShort ? (['ext4'] as const) : (['tmpfs', 'ext4'] as const)) {
    const make = () =>
      kind === 'tmpfs' ? mountTmpfs(join(ground.folder, kind), 16) : makeImage(ground.folder, kind, 20);
    yield await onDisk(make(), (disk) => fillUnderAgent(ground, disk, kind));
    yield await onDisk(make(), (disk) => fillUnderSpool(disk, kind));
  }
  yield await onDisk(makeImage(ground.folder, 'download', 160), (disk) => fillBeforeDownload(ground, disk));
  yield await onDisk(mountTmpfs(join(ground.folder, 'first'), 4), (disk) => startFirstTime(ground, disk));
}

async function onDisk(disk: Disk, work: (disk: Disk) => Promise<Row>): Promise<Row> {
  try {
    return await work(disk);
  } finally {
    disk.unmount();
  }
}

async function fillUnderAgent(ground: Ground, disk: Disk, kind: string): Promise<Row> {
  const promised = 'answers go on, safety events are stored, an agent starts within 5 s, all by itself afterwards';
  const row = new RowBuilder(`disk kept full (${kind})`, promised);
  row.runs = 1;
  const voice = await ground.openVoice();
  const [dataDir, name] = [join(disk.path, 'data'), `full-${kind}`];
  const device = ground.start(name, { dataDir, voice });
  await device.firstAnswer();
  await device.await('hello', () => voice.boots.length > 0);
  voice.isAcknowledging = false;
  const filler = new Filler(disk);
  const gapMs = await busyOn(device, voice);
  row.check(freeBytesOf(disk) < 4096, `${freeBytesOf(disk)} bytes were free`);
  row.check(gapMs < 3000, `no answer for ${Math.round(gapMs)} ms`);
  await device.kill();
  const told = device.loggedEvents();
  const boot = voice.boots[0] ?? '';
  const startMs = await quickestStart(ground, { name, dataDir, voice });
  row.check(startMs <= START_MS_MAX, `the quickest of ${START_TRIES} starts took ${Math.round(startMs)} ms`);
  const last = ground.start(name, { dataDir, voice });
  voice.isAcknowledging = true;
  const arrived = () => told.every(({ seq }) => voice.hasAcknowledged({ boot, seq }));
  row.check(await until(arrived, 30_000), `told events did not arrive: ${told.length} of boot ${boot}`);
  filler.free();
  const at = last.log().length;
  await voice.kill(true);
  await last.await('kill acknowledgement', () => last.loggedEvents().some(({ event }) => event === 'kill-ack'));
  const refusals = last
    .log()
    .slice(at + 5)
    .filter(({ msg }) => String(msg).includes('could not be'));
  row.check(refusals.length === 0, `after the disk was free: ${refusals[0]?.msg}`);
  row.check(await until(() => voice.holes().length === 0, 30_000), `holes: ${voice.holes().join(', ')}`);
  await last.kill('SIGTERM');
  return row.row(`${told.length} events stored on the full disk, started there in ${(startMs / 1000).toFixed(1)} s`);
}

/** Windows and kills while the disk is full. Gives the longest time without an answer. */
async function busyOn(device: Device, voice: Voice): Promise<number> {
  const windows = voice.windows.length;
  const answers = device.answers().length;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await voice.kill(kill % 2 === 0);
    const told = kill % 2 === 0 ? 'kill-ack' : 'rearmed';
    await device.await(told, () => device.loggedEvents().filter(({ event }) => event === told).length > kill >> 1);
  }
  await device.await('windows', () => voice.windows.length >= windows + WINDOWS);
  const atMs = device
    .answers()
    .slice(answers - 1)
    .map((answer) => answer.answered_at_ms);
  return Math.max(...atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? ms)));
}

type Start = { readonly name: string; readonly dataDir: string; readonly voice: Voice };

async function quickestStart(ground: Ground, { name, ...start }: Start): Promise<number> {
  const timesMs: number[] = [];
  for (let i = 0; i < START_TRIES && !timesMs.some((ms) => ms <= START_MS_MAX); i += 1) {
    const device = ground.start(name, start);
    timesMs.push(await device.firstAnswer());
    // Once cleanly, once not: the next one finds what either leaves behind.
    await device.kill(i % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
  }
  return Math.min(...timesMs);
}

/** The spool alone, for as many documents as an agent makes in hours. */
async function fillUnderSpool(disk: Disk, kind: string): Promise<Row> {
  const promised = 'windows give way and are counted, 300 safety events are durable, the log stays bounded';
  const row = new RowBuilder(`spool on a full disk (${kind})`, promised);
  row.runs = 1;
  const path = join(disk.path, 'spool.db');
  const open = (boot: string) => openSpool({ path, boot, log: pino({ level: 'silent' }) });
  const spool = open('boot-0001');
  for (let i = 0; i < 100; i += 1) spool.appendWindow(buildBody({ generation: i }));
  const filler = new Filler(disk);
  let refused = 0;
  for (let i = 100; i < 1500; i += 1) refused += spool.appendWindow(buildBody({ generation: i })) ? 0 : 1;
  for (let i = 1; i <= 300; i += 1)
    row.check(spool.appendEvent(buildEvent(`event ${i}`)) === i, `event ${i} not stored`);
  row.check(statSync(`${path}-wal`).size <= 1.2 * 1024 * 1024, `the log has ${statSync(`${path}-wal`).size} bytes`);
  spool.close();
  const after = open('boot-0002');
  const { events, windows } = after.size();
  row.check(events === 300, `${events} of 300 events after a restart on the full disk`);
  row.check(after.pending(20).length === 20, 'nothing can be sent from the full disk');
  after.acknowledge('boot-0001', 100);
  row.check(after.size().events === 200, 'an acknowledgement did not free its events on the full disk');
  filler.free();
  const entries = after.pending(2000);
  const dropped = entries.reduce((sum, entry) => sum + droppedIn(entry.text), after.dropped().window ?? 0);
  row.check(windows + dropped + refused === 1500, `${windows} kept, ${dropped} dropped, ${refused} refused of 1500`);
  row.check(entries.length === 200 + windows, `${entries.length} handed out of ${200 + windows}`);
  for (let i = 0; i < 400; i += 1)
    row.check(after.appendWindow(buildBody({ generation: i })), `window ${i} refused later`);
  after.close();
  return row.row(`${windows} windows kept, ${dropped + refused} given up and counted, ${events} events`);
}

function droppedIn(text: string): number {
  return (JSON.parse(text) as { spoolDropped?: { window?: number } }).spoolDropped?.window ?? 0;
}

async function fillBeforeDownload(ground: Ground, disk: Disk): Promise<Row> {
  const promised = 'the download waits and says why, the baseline answers, and it goes on by itself when there is room';
  const row = new RowBuilder('download on a full disk', promised);
  row.runs = 1;
  const voice = await ground.openVoice();
  const candidate = ground.packages.make('5.0.0');
  voice.publish(candidate);
  const device = ground.start('download', { dataDir: join(disk.path, 'data'), voice });
  await device.firstAnswer();
  const filler = new Filler(disk);
  await voice.order({ baseline: ground.factory, candidate });
  await device.await('report', () => voice.reported?.blocked.some(({ kind }) => kind === 'disk-full') ?? false);
  const answers = device.answers().length;
  await device.await('more answers', () => device.answers().length > answers + 5);
  filler.free();
  await device.await('candidate', () => device.answers().at(-1)?.model_digest === candidate.digest, 120_000);
  row.check(!voice.reported?.blocked.some(({ kind }) => kind === 'disk-full'), 'it still says that the disk is full');
  await device.kill('SIGTERM');
  return row.row('blocked as disk-full, then downloaded, proven and serving without a hand');
}

/** The one thing that needs room: the factory release has to be copied in once. */
async function startFirstTime(ground: Ground, disk: Disk): Promise<Row> {
  const row = new RowBuilder('very first start on a full disk', 'refused with one sentence that says what to do');
  row.runs = 1;
  const filler = new Filler(disk);
  const device = ground.start('first', { dataDir: join(disk.path, 'data'), voice: null });
  await device.ended;
  row.check(device.exitCode === 1, `exit code ${device.exitCode}`);
  row.check(/free some space|must be able to write/.test(device.stderr()), `it said: ${device.stderr().slice(-300)}`);
  const said = device.stderr().trim().split('\n').at(-1) ?? '';
  filler.free();
  return row.row(said.slice(0, 160));
}
