// Runs steps side by side, a few at a time, and tells each as a whole once it has ended: nothing is interleaved. Stops at
// nothing; whoever calls learns what failed.
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

/** `compute`: it takes every core that it gets. `wait`: it mostly waits for something to happen. */
export type StepKind = 'compute' | 'wait';

export type Step = {
  readonly name: string;
  readonly kind: StepKind;
  readonly command: readonly [string, ...string[]];
};

export type LaneParts = {
  readonly cwd: string;
  readonly say: (text: string) => void;
  /** Aborted: what runs is ended, what has not begun fails. */
  readonly signal: AbortSignal;
};

/** One lane for each kind given, which takes steps of its kind first and any other then. Names of what failed, in order. */
export async function runInLanes(
  steps: readonly Step[],
  kinds: readonly StepKind[],
  parts: LaneParts,
): Promise<readonly string[]> {
  const left = [...steps];
  const failed = new Set<Step>();
  const lane = async (kind: StepKind): Promise<void> => {
    for (let step = takeOne(left, kind); step !== null; step = takeOne(left, kind))
      if (!(await runStep(step, parts))) failed.add(step);
  };
  await Promise.all(kinds.map(lane));
  return steps.filter((step) => failed.has(step)).map(({ name }) => name);
}

function takeOne(left: Step[], kind: StepKind): Step | null {
  const own = left.findIndex((step) => step.kind === kind);
  return left.splice(Math.max(own, 0), 1)[0] ?? null;
}

/** True when it ended with 0. */
async function runStep({ name, command }: Step, { cwd, say, signal }: LaneParts): Promise<boolean> {
  if (signal.aborted) return false;
  say(`── ${name} …\n`);
  const startedAtMs = performance.now();
  const [program, ...args] = command;
  // A group of its own: what it has started ends with it.
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const end = (): void => endGroup(child);
  signal.addEventListener('abort', end);
  const { code, text } = await endOf(child);
  signal.removeEventListener('abort', end);
  const took = `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;
  say(`\n── ${name} ──\n${text}── ${name}: ${code === 0 ? 'passed' : `FAILED (${code})`} in ${took} ──\n`);
  return code === 0;
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended meanwhile.
  }
}

/** Its exit code, 128 and the signal that ended it, or 127 where it never began; and both its streams as they came. */
function endOf(child: ChildProcess): Promise<{ readonly code: number; readonly text: string }> {
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    const tell = (code: number, more = ''): void => {
      const text = `${Buffer.concat(chunks).toString('utf8')}${more}`;
      resolve({ code, text: text === '' || text.endsWith('\n') ? text : `${text}\n` });
    };
    child.once('error', ({ message }) => tell(127, message));
    child.once('close', (code, signal) => tell(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
