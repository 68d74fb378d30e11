// How much of the machine a process gets, all of it: Linux keeps a priority for each thread, and "the process" is its first one.
import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** `nice` from -20 to 19. Throws where this process may not raise a priority. */
export function setNice(pid: number, nice: number): void {
  // First the thread that the others are started from: those that come from now on inherit it.
  setPriority(pid, nice);
  for (const thread of threadsOf(pid)) setUnlessGone(thread, nice);
}

function setUnlessGone(thread: number, nice: number): void {
  try {
    setPriority(thread, nice);
  } catch (error) {
    if ((error as { info?: { code?: string } }).info?.code !== 'ESRCH') throw error;
  }
}

/** None where there is no /proc: then its first thread has to do. */
function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
