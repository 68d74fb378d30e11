// Handing a frame over: written into a slot of the tmpfs ring and read out of it again, against a plain memory copy.
import { createRing, openRing, removeRing } from '../../agent/frames/ring.ts';
import type { InputContract } from '../../shared/release/manifest.ts';
import { readRelease } from '../models/release-store.ts';
import { alternate, type Figure } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 15;
const FRAMES_PER_ROUND = 400;
const SLOTS = 8;
const LARGE_SIDE_PX = 640;

export const ringHandover: Figure = {
  id: 'ring.handover',
  measure: async (progress) => {
    const { input } = readRelease('cv-detector/2.0.0').manifest;
    progress('copying frames of 196,608 and 1,228,800 bytes');
    const small = await measureHandover(input);
    const large = await measureHandover({ ...input, shape: [1, LARGE_SIDE_PX, LARGE_SIDE_PX, 3] });
    const largeNote = `1,228,800 bytes: ${large.ours.toFixed(3)} ms, ${(large.ours / large.limit).toFixed(1)} copies`;
    const how = 'limit: one memory copy of 196,608 bytes; ours: pwrite + pread';
    return [
      {
        id: 'ring.handover',
        ...small,
        ratio: small.ours / small.limit,
        unit: 'ms/frame',
        goal: '≤ 12 × a memory copy',
        note: noteOf(how, largeNote, describeLoad()),
      },
    ];
  },
};

function measureHandover(contract: InputContract): Promise<{ ours: number; limit: number }> {
  return withWorkspace(async ({ ringFolder, defer }) => {
    const info = createRing({ ringDir: ringFolder, device: 'bench', cameraId: 'camera-1', contract }, SLOTS);
    defer(() => removeRing(info));
    const [writer, reader] = [openRing(info, 'w'), openRing(info, 'r')];
    defer(() => {
      writer.close();
      reader.close();
    });
    const frame = new Uint8Array(info.frameBytes).fill(1);
    const read = new Uint8Array(info.frameBytes);
    const memory = Array.from({ length: SLOTS }, () => new Uint8Array(info.frameBytes));
    return alternate(ROUNDS, {
      ours: () =>
        msPerTurn((turn) => {
          writer.write(turn % SLOTS, frame);
          reader.read(turn % SLOTS, read);
        }),
      limit: () => msPerTurn((turn) => memory[turn % SLOTS]?.set(frame)),
    });
  });
}

async function msPerTurn(act: (turn: number) => void): Promise<number> {
  const startedAtMs = performance.now();
  for (let turn = 0; turn < FRAMES_PER_ROUND; turn += 1) act(turn);
  return (performance.now() - startedAtMs) / FRAMES_PER_ROUND;
}
