// The command of a runner within its limits: how much memory it may map, and that it leaves no core behind.
import { existsSync } from 'node:fs';

/** Of util-linux, on every Debian. */
export const PRLIMIT = '/usr/bin/prlimit';

/**
 * prlimit sets the limits and becomes the program it is given: the pid stays, no privilege is needed. A core of one byte is
 * none, to a file and to a program: writing one would keep a dying runner alive for seconds, and its frame waiting.
 */
export function withLimits(command: readonly string[], dataBytesMax: number | undefined): readonly string[] {
  if (!existsSync(PRLIMIT)) return command;
  return [PRLIMIT, '--core=1', ...(dataBytesMax === undefined ? [] : [`--data=${dataBytesMax}`]), ...command];
}
