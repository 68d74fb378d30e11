// Loaded before an agent's own program, by `--import`: the process looks for all of its garbage when it is told SIGUSR2, and so
// does every process of Node that it starts. What it still takes then is what it keeps. Only for measuring; not for import.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/** What a first look has found dead may have kept something else alive. */
const LOOKS = 3;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');
const look = (): void => {
  for (let turn = 0; turn < LOOKS; turn += 1) if (typeof collect === 'function') collect();
};
/** Each thread has a heap of its own, and only the first one hears signals. */
const threads = new BroadcastChannel('belay-collect');
threads.unref();
if (isMainThread)
  process.on('SIGUSR2', () => {
    threads.postMessage(null);
    look();
  });
else threads.addEventListener('message', look);

const spawn = childProcess.spawn;
childProcess.spawn = ((program: string, parameters: readonly string[], ...more: never[]) =>
  spawn(program, withThis(program, parameters), ...more)) as typeof spawn;
syncBuiltinESMExports();

/** Node's own options come right behind its name, which may stand behind that of a program that sets its limits. */
function withThis(program: string, parameters: readonly string[]): readonly string[] {
  const loaded = ['--import', import.meta.url];
  if (program === process.execPath) return [...loaded, ...parameters];
  const at = parameters.indexOf(process.execPath) + 1;
  return at === 0 ? parameters : [...parameters.slice(0, at), ...loaded, ...parameters.slice(at)];
}
