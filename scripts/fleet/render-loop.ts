// Renders the camera loop of one production line: `node render-loop.ts LINE FILE [SIDE] [jpeg|raw]`; prints shares done,
// one per line.
import { lineNamed, loopRequestOf } from '../../agent/frames/line/lines.ts';
import { renderLoop } from '../../agent/frames/line/loop.ts';
import { FRAME_SIZE } from '../../agent/frames/line/scene.ts';

/** 118 steps of 20 px at side 256: ten parts, seamless, in about two seconds. */
const FRAMES = 118;
const STEP_PX = 20;

const [lineName = '', file = '', side = String(FRAME_SIZE), encoding = 'jpeg'] = process.argv.slice(2);
const line = lineNamed(lineName);
if (!line || file === '') {
  throw new Error(`no production line "${lineName}"; usage: render-loop.ts LINE FILE [SIDE] [jpeg|raw]`);
}
const size = Number(side);
await renderLoop(
  loopRequestOf(line, {
    path: file,
    frames: FRAMES,
    stepPx: (STEP_PX * size) / FRAME_SIZE,
    size,
    encoding: encoding === 'raw' ? 'raw' : 'jpeg',
    onProgress: (done: number, of: number) => process.stdout.write(`${done / of}\n`),
  }),
);
