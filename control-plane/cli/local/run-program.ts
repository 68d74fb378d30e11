// Runs one of the project's programs as a process of its own: the only part of the CLI that starts processes.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';

/** Two folders up from here, and from the built command line alike. */
const ROOT = path.resolve(import.meta.dirname, '../../..');

/** Until it ends; signals reach it, its exit code is ours. */
export function runProgram(program: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [path.join(ROOT, program), ...args], { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on('SIGINT', () => {});
  process.on('SIGTERM', forward);
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code, signal) => resolve(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
  });
}

/** Whether the project has this program: what is shipped has fewer than a checkout. */
export function isThere(program: string): boolean {
  return existsSync(path.join(ROOT, program));
}
