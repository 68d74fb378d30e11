// The lot-code reader: convolutions squeeze a 32x160 strip into 80 time steps, one character distribution each.
import { block, conv, relu } from '../training/layers.ts';
import type { Tape, Value } from '../training/tape.ts';

export const READER_STEPS = 80;

/** Logits [N, characters, 1, 80] for grey strips [N, 1, 32, 160]. */
export function lotReaderNet(tape: Tape, pixels: Value, characterCount: number): Value {
  let h = block(tape, pixels, 'c1', { channels: 16, stride: [2, 2], isFirst: true });
  h = block(tape, h, 'c2', { channels: 32, stride: [2, 1] });
  h = block(tape, h, 'c3', { channels: 48, stride: [2, 1] });
  h = block(tape, h, 'c4', { channels: 64, stride: [2, 1] });
  h = relu(tape, conv(tape, h, 'p1', { channels: 64, kernel: [2, 3], pad: [0, 1] }));
  h = relu(tape, conv(tape, h, 'p2', { channels: 64, kernel: [1, 5], pad: [0, 2] }));
  return conv(tape, h, 'p3', { channels: characterCount, kernel: [1, 1] });
}
