// kill -9 of the whole agent at drawn instants, from its first moments on, while kills, windows and a candidate keep it busy:
// what was committed stays committed, every told safety event arrives once, and nothing is left behind.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { readSlots } from '../../agent/state/slots.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { type Device, isAlive } from './device.ts';
import type { Ground } from './ground.ts';
import { type Row, RowBuilder } from './row.ts';
import type { Voice } from './voice.ts';

const PROMISE = 'the committed release answers again, every safety event arrives once, no process and no ring is left';
/** Most kills fall between the start and a little after the first answers. */
const EARLY_MS = 2500;
const SERVING_MS = 800;
/** Every n-th agent is let come as far as its first answer before it is killed. */
const SERVING_EVERY = 4;
const ORPHAN_MS_MAX = 10_000;
const STIR_MS = 150;

export type KillOptions = {
  readonly kills: number;
  readonly dice: () => number;
  readonly say: (text: string) => void;
};

type Rig = {
  readonly ground: Ground;
  readonly voice: Voice;
  readonly dataDir: string;
  readonly row: RowBuilder;
  readonly committed: string;
  /** `seq kind reason` → how often agents have told it. */
  readonly told: Map<string, number>;
};

export async function* killAgents(ground: Ground, options: KillOptions): AsyncGenerator<Row> {
  const voice = await ground.openVoice();
  const row = new RowBuilder('kill -9 of the agent', PROMISE);
  const dataDir = join(ground.folder, 'kill-data');
  const rig: Rig = {
    ground,
    voice,
    dataDir,
    row,
    committed: await commitOther(ground, voice, dataDir),
    told: new Map(),
  };
  const over = { isOver: false };
  const storm = stir(voice, over);
  let slowestMs = 0;
  for (let kill = 0; kill < options.kills; kill += 1) {
    row.runs += 1;
    slowestMs = Math.max(slowestMs, await killOnce(rig, kill % SERVING_EVERY === 0, options.dice()));
    options.say(`${row.runs}`);
  }
  over.isOver = true;
  await storm;
  await expectAllArrived(rig);
  const told = [...rig.told.values()].reduce((sum, count) => sum + count, 0);
  const slowest = `slowest first answer ${(slowestMs / 1000).toFixed(1)} s`;
  yield row.row(`${told} told events, ${voice.events.length} arrived; ${slowest}`);
}

/** A device that has moved on from its factory release, and is to try a third one: that is where a kill hurts most. */
async function commitOther(ground: Ground, voice: Voice, dataDir: string): Promise<string> {
  const [proven, trial] = [ground.packages.make('4.0.0'), ground.packages.make('4.1.0')];
  for (const pack of [proven, trial]) voice.publish(pack);
  const device = ground.start('kill', { dataDir, voice });
  await voice.order({ baseline: proven });
  await device.await('commit', () => device.loggedEvents().some(({ event }) => event === 'committed'));
  await device.kill('SIGTERM');
  await voice.order({ baseline: proven, candidate: trial });
  return proven.digest;
}

async function killOnce(rig: Rig, isServing: boolean, draw: number): Promise<number> {
  const { ground, voice, dataDir, row, committed } = rig;
  const device = ground.start('kill', { dataDir, voice });
  let firstMs = 0;
  if (isServing) {
    firstMs = await device.firstAnswer();
    const strays = straysIn(device.ringDir, device);
    row.check(strays.length === 0, `rings that nobody uses: ${strays.join(', ')}`);
  }
  await wait(draw * (isServing ? SERVING_MS : EARLY_MS));
  row.check(device.isRunning(), `the agent ended by itself: ${device.stderr().slice(-500)}`);
  const children = device.tree().slice(1);
  await device.kill();
  for (const { seq, event, reason } of device.loggedEvents()) {
    const key = `${seq} ${event} ${reason}`;
    rig.told.set(key, (rig.told.get(key) ?? 0) + 1);
  }
  const [first] = device.answers();
  row.check(!first || first.model_digest === committed, `the first answer was of ${first?.model_digest}`);
  const isGone = await until(() => !children.some(isAlive), ORPHAN_MS_MAX, 10);
  row.check(isGone, `processes outlive their agent: ${children.filter(isAlive).join(', ')}`);
  const { durable, found } = readSlots(dataDir);
  row.check(durable?.committed.digest === committed, `slots ${found}, committed ${durable?.committed.digest}`);
  return firstMs;
}

async function stir(voice: Voice, over: { readonly isOver: boolean }): Promise<void> {
  for (let turn = 0; !over.isOver; turn += 1) {
    await voice.kill(turn % 2 === 0);
    await wait(STIR_MS);
  }
}

/** One more agent brings what the killed ones could not send. */
async function expectAllArrived({ ground, voice, dataDir, row, told }: Rig): Promise<void> {
  const device = ground.start('kill', { dataDir, voice });
  const missing = () => {
    const arrived = new Map<string, number>();
    for (const { seq, kind, reason } of voice.events) {
      const key = `${seq} ${kind} ${reason}`;
      arrived.set(key, (arrived.get(key) ?? 0) + 1);
    }
    return [...told].filter(([key, count]) => (arrived.get(key) ?? 0) < count).map(([key]) => key);
  };
  await until(() => missing().length === 0 && voice.holes().length === 0, 60_000);
  for (const key of missing()) row.check(false, `told and never arrived: ${key}`);
  row.check(voice.holes().length === 0, `holes in the sequences: ${voice.holes().slice(0, 5).join(', ')}`);
  await device.kill('SIGTERM');
}

/** Rings in the folder whose owner, as the file beside them says, is not of this agent. */
function straysIn(ringDir: string, device: Device): readonly string[] {
  const names = readdirSync(ringDir).filter((name) => !name.endsWith('.owner'));
  return names.filter((name) => {
    const owner = ownerOf(join(ringDir, `${name}.owner`));
    return owner !== null && owner !== device.pid && !device.tree().includes(owner);
  });
}

/** Null: the ring has just been let go. */
function ownerOf(path: string): number | null {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { pid: number }).pid;
  } catch {
    return null;
  }
}
