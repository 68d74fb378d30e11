// Pipes and disks in the state in which a plant has them one day: unread, full, small.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** `cat` at the other end of a real pipe; what it has read lies in `<name>.read`. Whoever asks for it ends it. */
export function openPipe(folder: string, name: string): { readonly reader: ChildProcess; readonly pipe: number } {
  const fifo = join(folder, name);
  execFileSync('mkfifo', [fifo]);
  const file = openSync(`${fifo}.read`, 'w');
  const reader = spawn('cat', [fifo], { stdio: ['ignore', file, 'inherit'] });
  closeSync(file);
  return { reader, pipe: openSync(fifo, 'w') };
}

/** Writes to a pipe until it takes no more; lines of dots. */
export function fillPipe(folder: string, name: string): void {
  const pipe = openSync(join(folder, name), constants.O_WRONLY | constants.O_NONBLOCK);
  fillUp(pipe, Buffer.from(`${'.'.repeat(1023)}\n`));
  fillUp(pipe, Buffer.from('\n'));
  closeSync(pipe);
}

/** A disk of one megabyte; false where that needs rights that we do not have. */
export function mountSmallDisk(at: string): boolean {
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'belay-test', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function fillDisk(ballast: string): void {
  const file = openSync(ballast, 'w');
  fillUp(file, Buffer.alloc(4096));
  closeSync(file);
}

/** EAGAIN, ENOSPC: full. */
function fillUp(fd: number, chunk: Buffer): void {
  try {
    for (;;) writeSync(fd, chunk);
  } catch {}
}
