// The defect segmenter: a small U-Net with additions instead of concatenations; logits at half resolution are
// spread to full resolution. Class 0 is "ok".
import { add, block, conv, depthToSpace2, upsample2 } from '../training/layers.ts';
import type { Tape, Value } from '../training/tape.ts';

const WIDTHS = [12, 24, 40, 56] as const;

/** Logits [N, classes, H, W] for pixels [N, 3, H, W]. */
export function segmenterNet(tape: Tape, pixels: Value, classCount: number): Value {
  const [w1, w2, w3, w4] = WIDTHS;
  const stride = [2, 2] as const;
  const first = block(tape, pixels, 'e1a', { channels: w1, stride, isFirst: true });
  const e1 = block(tape, first, 'e1b', { channels: w1 });
  const e2 = block(tape, block(tape, e1, 'e2a', { channels: w2, stride }), 'e2b', { channels: w2 });
  let e3 = block(tape, e2, 'e3a', { channels: w3, stride });
  e3 = block(tape, e3, 'e3b', { channels: w3 });
  e3 = block(tape, e3, 'e3c', { channels: w3 });
  const e4 = block(tape, block(tape, e3, 'e4a', { channels: w4, stride }), 'e4b', { channels: w4 });
  let y = block(tape, rise(tape, e4, e3, 'u3'), 'd3', { channels: w3 });
  y = block(tape, rise(tape, y, e2, 'u2'), 'd2', { channels: w2 });
  y = block(tape, rise(tape, y, e1, 'u1'), 'd1', { channels: 16 });
  return depthToSpace2(tape, conv(tape, y, 'head', { channels: classCount * 4, kernel: [1, 1] }));
}

/** Brings the coarse map to the finer one's width and size and adds both. */
function rise(tape: Tape, coarse: Value, fine: Value, name: string): Value {
  const narrowed = block(tape, coarse, name, { channels: fine.dims[1] ?? 0, kernel: 1 });
  return add(tape, upsample2(tape, narrowed), fine);
}
