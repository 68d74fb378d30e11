// Starts a study process, hands it windows device by device, and waits for what it finds. Ends it when nobody waits any more.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import type { StudyDevice, StudyOrder, StudyReport, StudyResult, StudyTask } from './study-task.ts';

export class StudyError extends BelayError {
  constructor(code: 'study-failed' | 'study-stopped', reason: string, cause?: unknown) {
    super(code, `looking ahead ${reason}`, cause === undefined ? undefined : { cause });
  }
}

export type StudyInput<Kind extends StudyTask['kind']> = {
  readonly task: Extract<StudyTask, { kind: Kind }>;
  /** Read while they are sent: only one device's windows are held at a time. */
  readonly windows: AsyncIterable<{ readonly device: StudyDevice; readonly documents: readonly string[] }>;
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (done: number) => void;
};

/** Throws StudyError. */
export async function runStudy<Kind extends StudyTask['kind']>(input: StudyInput<Kind>): Promise<StudyResult[Kind]> {
  const child = fork(new URL('./study-process.ts', import.meta.url), {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  try {
    const found = reportOf<Kind>(child, input);
    // When the windows cannot be read, nobody waits for the process any more.
    found.catch(() => undefined);
    await Promise.race([feed(child, input), found]);
    return await found;
  } catch (error) {
    throw error instanceof StudyError
      ? error
      : new StudyError('study-failed', `failed: ${describeError(error)}`, error);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

type Fed = { readonly windows: StudyInput<'outlook'>['windows']; readonly task: StudyTask };

async function feed(child: ChildProcess, { windows, task }: Fed): Promise<void> {
  for await (const { device, documents } of windows) await send(child, { kind: 'windows', device, documents });
  await send(child, { kind: 'begin', task });
}

function send(child: ChildProcess, order: StudyOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    child.send(order, (error) => (error ? reject(error) : resolve()));
  });
}

function reportOf<Kind extends StudyTask['kind']>(
  child: ChildProcess,
  { limitMs, signal, onProgress }: StudyInput<Kind>,
): Promise<StudyResult[Kind]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new StudyError('study-stopped', `took longer than ${Math.round(limitMs / 1000)} s and was stopped`));
    }, limitMs);
    const stop = () => reject(new StudyError('study-stopped', 'was stopped'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    child.on('error', reject);
    child.on('message', (report: StudyReport) => {
      if (report.kind === 'progress') onProgress?.(report.done);
      if (report.kind === 'failed') reject(new StudyError('study-failed', `failed: ${report.reason}`));
      // The process answers the question that it was asked.
      if (report.kind === 'result') resolve(report.result as StudyResult[Kind]);
    });
    child.on('exit', (code, killedBy) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      reject(new StudyError('study-failed', `ended early (${killedBy ?? code})`));
    });
  });
}
