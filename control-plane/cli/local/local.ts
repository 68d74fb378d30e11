// Commands that start something on this machine: `belay up` and `belay demo`. In the foreground, until they are ended.
import path from 'node:path';
import type { Command } from 'commander';
import { isThere, runProgram } from './run-program.ts';

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
      if (!(await prepareDashboard())) return;
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

const BUILD = 'scripts/build-dashboard.ts';

/** In a checkout the dashboard is built when its sources are newer; what is shipped has it. False: we were told to end meanwhile. */
async function prepareDashboard(): Promise<boolean> {
  if (!isThere(BUILD)) return true;
  const code = await runProgram(BUILD, ['--quiet']);
  if (code > 128) process.exitCode = code;
  else if (code !== 0)
    process.stderr.write('belay: the dashboard could not be built; the API and /kill work without\n');
  return code <= 128;
}
