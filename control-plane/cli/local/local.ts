// Commands that start something on this machine: `belay up` and `belay demo`. The only part of the CLI that starts processes.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export function addLocalCommands(program: Command): void {
  program
    .command('up')
    .description('run a control plane here, in the foreground')
    .option('--data <folder>', 'where it keeps its keys, database and artifacts', '.belay')
    .option('--http-port <port>', 'port of the HTTP API', '7420')
    .option('--mqtt-port <port>', 'port of the embedded broker', '7421')
    .option('--open', 'nobody signs in: everybody on this machine may do everything')
    .action(async (options: { data: string; httpPort: string; mqttPort: string; open?: boolean }) => {
      const args = [
        '--data',
        path.resolve(options.data),
        '--http-port',
        options.httpPort,
        '--mqtt-port',
        options.mqttPort,
        '--first-admin',
        ...(options.open ? ['--open'] : []),
      ];
      process.exitCode = await runProgram('control-plane/main.ts', args);
    });
  program
    .command('demo')
    .description('a small fleet on this machine: a good model climbs, a bad one is stopped, a kill brings all back')
    .option('--once', 'end by itself; exit 0 only if every act ended as told')
    .action(async (options: { once?: boolean }) => {
      process.exitCode = await runProgram('scripts/demo.ts', options.once ? ['--once'] : []);
    });
}

/** Runs one of the project's programs until it ends; signals reach it, its exit code is ours. */
function runProgram(program: string, args: readonly string[]): Promise<number> {
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
