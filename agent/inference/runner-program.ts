// The program of a runner: what is started, within which limits, how nicely. The same for one that is needed now and one that
// stands by.
import { fileURLToPath } from 'node:url';
import { type ChildOptions, childEnvironment } from '../frames/child-process.ts';
import { LEAN_RUNNER } from '../small-memory.ts';
import { withLimits } from './limited-command.ts';
import type { RunnerRole } from './runner-wire.ts';

/** Our runner, on ONNX Runtime's package for Node. */
export const OWN_RUNNER: readonly string[] = [
  process.execPath,
  ...LEAN_RUNNER,
  fileURLToPath(new URL('./runner-process.ts', import.meta.url)),
];
/** A serving candidate gets what the baseline gets: otherwise a busy box makes every candidate look slow. */
export const RUNNER_NICE: Readonly<Record<RunnerRole, number>> = { baseline: 1, candidate: 1, shadow: 19 };

export type RunnerProgram = {
  readonly role: RunnerRole;
  /** Ours when left out. */
  readonly command?: readonly string[];
  /** Most private memory that its process may map (RLIMIT_DATA), in bytes; no limit when left out. */
  readonly dataBytesMax?: number;
  readonly env?: Readonly<Record<string, string>>;
};

export function runnerProgram({ role, command = OWN_RUNNER, dataBytesMax, env }: RunnerProgram) {
  return {
    command: withLimits(command, dataBytesMax),
    env: { ...childEnvironment(process.env), ...env },
    nice: RUNNER_NICE[role],
  } satisfies Partial<ChildOptions>;
}
