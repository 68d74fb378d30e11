// The model as the runner's other thread sees it: frames are handed over and their outputs awaited, in order, while this
// thread reads the next frame and answers the last one.
import { type Channel, giveFrame, isDone, placeOf, type Ran, readRan, untilRun } from './model-channel.ts';

export type ThreadedModel = {
  /** Where the next frame goes, one byte per value in the layout of the contract. */
  nextFrame(): Uint8Array;
  /** Runs it on what lies in `nextFrame`; in the order of the calls, at most as many as a runner may hold frames. */
  run(): Promise<Ran>;
  /** It runs on no frame. */
  isIdle(): boolean;
};

export function threadedModel(channel: Channel): ThreadedModel {
  let given = 0;
  return {
    nextFrame: () => channel.frames[placeOf(given)]!,
    async run() {
      const frame = given;
      given += 1;
      giveFrame(channel, frame);
      await untilRun(channel, frame);
      return readRan(channel, frame);
    },
    isIdle: () => isDone(channel, given),
  };
}
