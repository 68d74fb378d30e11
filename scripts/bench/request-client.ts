// Asks a server for one address over and over, from a process of its own: what the asking costs is not the server's.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Workspace } from './workspace.ts';

export type AskOrder = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How many requests are under way at once, each on a connection of its own. */
  readonly connections: number;
  readonly askMs: number;
  /** Every request has an address of its own, so that no answer can be one of before. */
  readonly isFresh: boolean;
};
/** `bytes`: of the last answer; `problem`: of the first answer that was none. */
export type AskResult = { readonly perSecond: number; readonly bytes: number; readonly problem: string | null };

export type RequestClient = (order: AskOrder) => Promise<AskResult>;

const PROCESS = fileURLToPath(new URL('./request-client-process.ts', import.meta.url));

export function openRequestClient(workspace: Workspace): RequestClient {
  const child = fork(PROCESS, { execArgv: ['--disable-warning=ExperimentalWarning'] });
  workspace.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  return async (order) => {
    const answer = Promise.withResolvers<AskResult>();
    const onExit = (): void => answer.reject(new Error('the client ended before it answered'));
    child.once('message', (result) => answer.resolve(result as AskResult));
    child.once('exit', onExit);
    child.send(order);
    try {
      return await answer.promise;
    } finally {
      child.off('exit', onExit);
    }
  };
}
