// Wall clocks that jump and clocks that never knew: with libfaketime under a real agent, a candidate serving all the while.
// No decision may change; what wears a date wears a wrong one and nothing else.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { windowSchema } from '../../shared/measure/window.ts';
import type { Device } from './device.ts';
import type { Ground } from './ground.ts';
import { type Row, RowBuilder } from './row.ts';
import type { Voice } from './voice.ts';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (arch) => `/usr/lib/${arch}/faketime/libfaketimeMT.so.1`,
);
const HOUR_S = 3600;
const YEAR_S = 365 * 24 * HOUR_S;
/** In libfaketime's own words: an offset to the real clock, or an absolute time that goes on from there. */
const JUMPS = [
  ['an hour forward', `+${HOUR_S}`],
  ['an hour back', `-${HOUR_S}`],
  ['a year forward', `+${YEAR_S}`],
  ['back to 1970', '@1970-01-01 00:00:30'],
] as const;
/** Answers after a jump before it counts as survived: some windows of frames. */
const ANSWERS = 15;
const BAD = ['breach', 'reverted', 'quarantined', 'crash', 'camera-lost', 'lease-lapsed', 'document-refused'];

export async function* setClocks(ground: Ground): AsyncGenerator<Row> {
  const library = LIBRARIES.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is missing: apt-get install faketime');
  const clock = join(ground.workspace.ringFolder, 'wall-clock');
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  const voice = await ground.openVoice();
  const start = () => ground.start('clock', { dataDir: join(ground.folder, 'clock-data'), voice, env });
  const setClock = (text: string) => writeFileSync(clock, `${text}\n`);
  setClock('+0');
  yield await jumpUnderCandidate({ ground, voice, start, setClock });
  yield await startIn1970({ ground, voice, start, setClock });
}

type Rig = {
  readonly ground: Ground;
  readonly voice: Voice;
  readonly start: () => Device;
  readonly setClock: (text: string) => void;
};

async function jumpUnderCandidate({ ground, voice, start, setClock }: Rig): Promise<Row> {
  const promised = 'the candidate goes on answering, no limit breaks, no event is told, windows stay whole';
  const row = new RowBuilder('wall clock that jumps', promised);
  const candidate = ground.packages.make('7.0.0');
  voice.publish(candidate);
  const device = start();
  await voice.order({ baseline: ground.factory, candidate });
  await device.await('candidate', () => device.answers().at(-1)?.model_digest === candidate.digest);
  const before = device.loggedEvents().length;
  for (const [, offset] of JUMPS) {
    row.runs += 1;
    const from = device.answers().length;
    setClock(offset);
    await device.await('more answers', () => device.answers().length >= from + ANSWERS);
    const others = device
      .answers()
      .slice(from)
      .filter((answer) => answer.model_digest !== candidate.digest);
    row.check(others.length === 0, `${others.length} answers of another release`);
  }
  setClock('+0');
  const bad = device
    .loggedEvents()
    .slice(before)
    .filter(({ event }) => BAD.includes(event));
  for (const { event, reason } of bad) row.check(false, `${event}: ${reason}`);
  expectSoundWindows(row, voice);
  await device.kill('SIGTERM');
  const partial = voice.windows.filter((window) => window.partial).length;
  return row.row(
    `${JUMPS.map(([name]) => name).join(', ')}; ${voice.windows.length} windows, ${partial} marked partial`,
  );
}

/** Every window keeps the contract and is as long as its frames took, whatever its dates are. */
function expectSoundWindows(row: RowBuilder, voice: Voice): void {
  for (const window of voice.windows) {
    const parsed = windowSchema.safeParse(window);
    row.check(parsed.success, `window ${window.seq} breaks the contract`);
    if (!parsed.success) continue;
    const lengthMs = parsed.data.endAtMs - parsed.data.startAtMs;
    row.check(lengthMs >= 0 && lengthMs < 60_000, `window ${window.seq} is ${lengthMs} ms long`);
  }
  row.check(
    voice.windows.some((window) => Number(window.endAtMs) < YEAR_S * 1000),
    'no window of 1970 arrived',
  );
}

async function startIn1970({ ground, voice, start, setClock }: Rig): Promise<Row> {
  const promised = 'the baseline answers, a candidate is proven and serves, the wrong clock is told once';
  const row = new RowBuilder('start in 1970', promised);
  row.runs = 1;
  setClock('@1970-01-01 00:00:05');
  const candidate = ground.packages.make('7.1.0');
  voice.publish(candidate);
  const device = start();
  const startMs = await device.firstAnswer();
  await voice.order({ baseline: ground.factory, candidate });
  await device.await('candidate', () => device.answers().at(-1)?.model_digest === candidate.digest);
  await device.await('event', () => device.loggedEvents().some(({ event }) => event === 'clock-behind'));
  const told = device.loggedEvents().filter(({ event }) => event === 'clock-behind');
  row.check(told.length === 1, `clock-behind was told ${told.length} times`);
  const arrived = () => voice.events.find(({ kind }) => kind === 'clock-behind');
  await device.await('arrival', () => arrived() !== undefined);
  row.check((arrived()?.atMs ?? YEAR_S * 1000) < HOUR_S * 1000, `the event is dated ${arrived()?.atMs}`);
  await device.kill('SIGTERM');
  return row.row(`answered after ${(startMs / 1000).toFixed(1)} s; ${told[0]?.reason.slice(0, 110)} …`);
}
