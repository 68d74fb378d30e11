// The ground a figure stands on: a temporary folder, a ring folder in tmpfs, and everything it has started, in one stack.
// It is cleared when the figure ends, fails, or is interrupted; programs are started tethered, so none outlives us.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const TMPFS = '/dev/shm';

/** 128 + the signal's number, as shells say it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export type Workspace = {
  readonly folder: string;
  /** In tmpfs, where rings of frames live. */
  readonly ringFolder: string;
  /** Called at the end, last given first. */
  defer(end: () => void | Promise<void>): void;
  /** Work that must not be cut off half way, such as starting a fleet: the clearing waits for its end. */
  hold<T>(work: Promise<T>): Promise<T>;
};

/** Gives `work` a place, and clears it whatever happens. */
export async function withWorkspace<T>(work: (workspace: Workspace) => Promise<T>): Promise<T> {
  const stack = new AsyncDisposableStack();
  let clearing: Promise<void> | null = null;
  const clear = (): Promise<void> => {
    clearing ??= stack.disposeAsync();
    return clearing;
  };
  let isInterrupted = false;
  const interrupted = (signal: NodeJS.Signals): void => {
    isInterrupted = true;
    process.stderr.write(`${signal}: ending what was started …\n`);
    const code = SIGNALS[signal as keyof typeof SIGNALS];
    clear().then(
      () => process.exit(code),
      () => process.exit(code),
    );
  };
  for (const signal of Object.keys(SIGNALS)) process.on(signal, interrupted);
  try {
    const folder = await openFolder(stack, tmpdir());
    const ringFolder = await openFolder(stack, TMPFS);
    return await work({ folder, ringFolder, defer: (end) => stack.defer(end), hold: (held) => hold(stack, held) });
  } finally {
    await clear();
    for (const signal of Object.keys(SIGNALS)) process.off(signal, interrupted);
    // What fails because its ground was cleared away is not worth a word; the exit is on its way.
    if (isInterrupted) await new Promise(() => {});
  }
}

function hold<T>(stack: AsyncDisposableStack, work: Promise<T>): Promise<T> {
  stack.defer(async () => {
    await work.catch(() => undefined);
  });
  return work;
}

async function openFolder(stack: AsyncDisposableStack, parent: string): Promise<string> {
  const folder = await mkdtemp(path.join(parent, 'belay-bench-'));
  // Retries: a program on its way out may still write a last line.
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return folder;
}
