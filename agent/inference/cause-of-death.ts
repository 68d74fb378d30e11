// Why a runner ended without being asked to, from what can be known: how its process ended, and what it said last. Pure.
// Only memory is told from the rest: a crash weighs more than a lack of memory, because that may pass.
import type { ChildExit } from '../frames/child-process.ts';

export type Death = {
  readonly how: 'crash' | 'oom';
  /** For people: how it ended, and what speaks for a lack of memory. */
  readonly reason: string;
};

/** What V8, C++ programs, ONNX Runtime, the C library and Python print when an allocation fails. */
const LACK_OF_MEMORY =
  /out of memory|bad_alloc|failed to allocate memory|cannot allocate memory|allocation failed|MemoryError/i;

export function speaksOfMemory(text: string): boolean {
  return LACK_OF_MEMORY.test(text);
}

/** `lastWords`: what it printed last, oldest line first; `saidSo`: it reported the lack of memory itself. */
export function causeOfDeath(
  exit: Pick<ChildExit, 'code' | 'signal'>,
  lastWords: readonly string[],
  saidSo: boolean,
): Death {
  const ended = exit.signal === null ? `ended with exit code ${exit.code}` : `died of ${exit.signal}`;
  if (saidSo) return { how: 'oom', reason: `its runner ran out of memory and ${ended}` };
  // Nobody but the kernel's out-of-memory killer sends this to a runner that we have not ended ourselves.
  if (exit.signal === 'SIGKILL') return { how: 'oom', reason: `its runner ${ended}` };
  const cry = lastWords.find(speaksOfMemory);
  if (cry === undefined || (exit.signal === null && exit.code === 0))
    return { how: 'crash', reason: `its runner ${ended}` };
  return { how: 'oom', reason: `its runner ${ended} after saying "${cry.trim().slice(0, 120)}"` };
}
