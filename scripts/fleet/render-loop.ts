// Renders the camera loop of one production line: `node render-loop.ts LINE FILE`; prints shares done, one per line.
import { lineNamed, loopRequestOf } from '../../agent/frames/line/lines.ts';
import { renderLoop } from '../../agent/frames/line/loop.ts';

/** 118 steps of 20 px: ten parts, seamless, in about two seconds. */
const FRAMES = 118;
const STEP_PX = 20;

const [lineName = '', file = ''] = process.argv.slice(2);
const line = lineNamed(lineName);
if (!line || file === '') throw new Error(`no production line "${lineName}"; usage: render-loop.ts LINE FILE`);
await renderLoop(
  loopRequestOf(line, {
    path: file,
    frames: FRAMES,
    stepPx: STEP_PX,
    onProgress: (done: number, of: number) => process.stdout.write(`${done / of}\n`),
  }),
);
