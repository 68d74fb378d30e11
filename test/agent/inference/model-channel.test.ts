// The memory between a runner's two threads: frames and outputs keep their order and their place, and a frame without an
// output says why. Both sides are played by one thread here; runner.process.test.ts has two.
import { expect, it } from 'vitest';
import {
  type Channel,
  giveFrame,
  openChannel,
  placeOf,
  readRan,
  tellOutput,
  tellProblem,
  untilGiven,
  untilRun,
} from '../../../agent/inference/model-channel.ts';
import { threadedModel } from '../../../agent/inference/threaded-model.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';

const manifest = tinyPackage().parsed;

/** The other thread: answers each frame with its first byte in every value, and with a problem when that is 0. */
async function playModel(channel: Channel, frames: number): Promise<void> {
  for (let frame = 0; frame < frames; frame += 1) {
    await untilGiven(channel, frame);
    const [first = 0] = channel.frames[placeOf(frame)]!;
    const data = new Float32Array(channel.outputs[0]!.length).fill(first);
    if (first === 0) tellProblem(channel, frame, 'a black frame');
    else tellOutput(channel, frame, { data, dims: channel.dims }, first / 10);
  }
}

it('hands over frames in order, two at a time, and gives back what became of each', async () => {
  const channel = openChannel(manifest);
  const model = threadedModel(channel);
  const played = playModel(channel, 6);
  const seen: unknown[] = [];
  for (const pair of [
    [11, 12],
    [0, 14],
    [15, 16],
  ] as const) {
    const runs = pair.map((value) => {
      model.nextFrame().fill(value);
      return model.run();
    });
    expect(model.isIdle()).toBe(false);
    for (const run of runs) {
      const ran = await run;
      seen.push(ran.kind === 'output' ? [ran.output.data[0], ran.runMs] : ran.reason);
    }
    expect(model.isIdle()).toBe(true);
  }
  await played;
  expect(seen).toEqual([[11, 1.1], [12, 1.2], 'a black frame', [14, 1.4], [15, 1.5], [16, 1.6]]);
});

it('refuses an output that is not as large as the manifest says', async () => {
  const channel = openChannel(manifest);
  giveFrame(channel, 0);
  tellOutput(channel, 0, { data: new Float32Array(3), dims: [3] }, 1);
  await untilRun(channel, 0);
  const ran = readRan(channel, 0);
  expect(ran).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/has 3 values, the manifest says \d+/) });
});

it('cuts a reason that is longer than its place, and has one for a model that gives none', () => {
  const channel = openChannel(manifest);
  tellProblem(channel, 0, 'x'.repeat(100_000));
  tellProblem(channel, 1, '');
  expect(readRan(channel, 0)).toMatchObject({ kind: 'failed', reason: expect.stringMatching(/^x{2000}$/) });
  expect(readRan(channel, 1)).toEqual({ kind: 'failed', reason: 'no reason given' });
});

it('goes on over the end of a 32-bit count, which a camera reaches after two years', async () => {
  const channel = openChannel(manifest);
  for (const frame of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32]) {
    channel.counts.fill(frame | 0);
    const [given, run] = [untilGiven(channel, frame), untilRun(channel, frame)];
    giveFrame(channel, frame);
    await given;
    tellProblem(channel, frame, `frame ${frame}`);
    await run;
    expect(readRan(channel, frame)).toEqual({ kind: 'failed', reason: `frame ${frame}` });
  }
});
