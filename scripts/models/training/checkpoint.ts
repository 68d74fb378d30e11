// Training states on disk: a JSON line that names the tensors, then their floats. Written aside and renamed,
// so that an interrupted run leaves the previous checkpoint whole.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TrainingState } from './trainer.ts';

const PARTS = ['weights', 'averaged', 'statistics', 'firstMoments', 'secondMoments'] as const;

type Index = { step: number; tensors: { part: (typeof PARTS)[number]; name: string; length: number }[] };

export function saveCheckpoint(path: string, state: TrainingState): void {
  const entries = PARTS.flatMap((part) => [...state[part]].map(([name, data]) => ({ part, name, data })));
  const tensors = entries.map(({ part, name, data }) => ({ part, name, length: data.length }));
  const index: Index = { step: state.step, tensors };
  const floats = entries.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...floats]));
  renameSync(`${path}.part`, path);
}

/** Throws when the file is missing or shorter than its index says. */
export function loadCheckpoint(path: string): TrainingState {
  const bytes = readFileSync(path);
  const headerEnd = bytes.indexOf(10) + 1;
  const index: Index = JSON.parse(bytes.toString('utf8', 0, headerEnd));
  const state = { step: index.step, ...Object.fromEntries(PARTS.map((part) => [part, new Map()])) } as TrainingState;
  let at = headerEnd;
  for (const { part, name, length } of index.tensors) {
    const raw = bytes.subarray(at, at + length * 4);
    if (raw.length !== length * 4) throw new Error(`checkpoint ${path} ends inside ${part}/${name}; delete it`);
    state[part].set(name, new Float32Array(Uint8Array.from(raw).buffer));
    at += length * 4;
  }
  return state;
}
