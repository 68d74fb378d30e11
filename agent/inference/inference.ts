// The door of the room: a release answers questions about frames, in a process of its own. Nothing here loads a model.
export { withFaultFor } from './declared-fault.ts';
export {
  type Launcher,
  type LaunchOptions,
  type MemoryFacts,
  openLauncher,
  runnerOptionsSchema,
} from './launcher.ts';
export { openRunner, type Runner } from './open-runner.ts';
export { describeStarvation, processorWaitMs, starvationIn } from './processor-wait.ts';
export type { RunnerAnswer, RunnerExit, RunnerFaultReport } from './runner.ts';
export { type FrameToken, RunnerError, type RunnerErrorCode, type RunnerOptions } from './runner.ts';
export { RUNNER_NICE } from './runner-program.ts';
export type { RunnerReady } from './runner-protocol.ts';
export type { RunnerRole } from './runner-wire.ts';
