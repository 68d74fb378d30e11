// A file system that the kernel has made read-only: the device answers from its last good files, obeys kills, says so, and
// writes again when it may. And one where the committed model has rotted besides.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSlots } from '../../agent/state/slots.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { type Disk, makeImage, remount } from './disks.ts';
import type { Ground } from './ground.ts';
import type { Package } from './packages.ts';
import { type Row, RowBuilder } from './row.ts';

const START_MS_MAX = 5000;
const START_TRIES = 3;

export async function* readOnlyDisks(ground: Ground): AsyncGenerator<Row> {
  const disk = makeImage(ground.folder, 'read-only', 160);
  const committed = ground.packages.make('6.0.0');
  try {
    yield await serveReadOnly(ground, disk, committed);
    yield await serveRotten(ground, disk, committed);
  } finally {
    disk.unmount();
  }
}

async function serveReadOnly(ground: Ground, disk: Disk, committed: Package): Promise<Row> {
  const promised =
    'the committed release answers within 5 s, a kill is obeyed, an alarm is told, all well once writable';
  const row = new RowBuilder('read-only file system', promised);
  row.runs = 1;
  const voice = await ground.openVoice();
  voice.publish(committed);
  const options = { dataDir: join(disk.path, 'data'), voice };
  const first = ground.start('read-only', options);
  await voice.order({ baseline: committed });
  await first.await('commit', () => first.loggedEvents().some(({ event }) => event === 'committed'));
  await first.kill('SIGTERM');
  remount(disk, 'ro');
  let startMs = Number.POSITIVE_INFINITY;
  let device = ground.start('read-only', options);
  for (let i = 0; i < START_TRIES; i += 1) {
    startMs = Math.min(startMs, await device.firstAnswer());
    if (startMs <= START_MS_MAX) break;
    await device.kill();
    device = ground.start('read-only', options);
  }
  row.check(startMs <= START_MS_MAX, `the quickest of ${START_TRIES} starts took ${Math.round(startMs)} ms`);
  row.check(device.answers()[0]?.model_digest === committed.digest, 'another release answered');
  await voice.kill(true);
  await device.await('kill', () => voice.events.some(({ kind }) => kind === 'kill-ack'));
  const alarms = device
    .log()
    .filter(({ level, msg }) => level === 50 && /state could not|kept in memory/.test(String(msg)));
  row.check(alarms.length >= 2, `${alarms.length} alarms about state and spool`);
  await device.await('alarm', () => voice.events.some(({ kind }) => kind === 'disk-fault'));
  remount(disk, 'rw');
  const isObeyed = () =>
    readSlots(options.dataDir).durable?.kills.some(({ epoch }) => epoch === voice.killEpoch) ?? false;
  row.check(await until(isObeyed, 30_000), 'the kill did not reach the state once the disk was writable');
  await device.await('spool on disk', () => device.log().some(({ msg }) => msg === 'the spool is on disk again'));
  await device.await('end of the alarm', () => voice.events.some(({ kind }) => kind === 'disk-back'));
  row.check(await until(() => voice.holes().length === 0, 30_000), `holes: ${voice.holes().join(', ')}`);
  await voice.kill(false);
  await device.kill('SIGTERM');
  return row.row(
    `answered after ${(startMs / 1000).toFixed(1)} s, ${alarms.length} alarms, state and spool written again`,
  );
}

async function serveRotten(ground: Ground, disk: Disk, committed: Package): Promise<Row> {
  const row = new RowBuilder(
    'rotten model on a read-only file system',
    'the release before it answers, the rotten one never',
  );
  row.runs = 1;
  const dataDir = join(disk.path, 'data');
  const model = join(dataDir, 'releases', committed.digest, 'model.onnx');
  const bytes = readFileSync(model);
  bytes[5000] = (bytes[5000] ?? 0) ^ 16;
  writeFileSync(model, bytes);
  remount(disk, 'ro');
  const device = ground.start('read-only', { dataDir, voice: null });
  const startMs = await device.firstAnswer();
  const isRight = device.answers().every((answer) => answer.model_digest === ground.factory.digest);
  row.check(isRight, 'the rotten release answered');
  await device.kill();
  return row.row(`the release before it answered after ${(startMs / 1000).toFixed(1)} s`);
}
