// The `belay` command line: a customer of the HTTP API. Process entry.
import { Command, CommanderError } from 'commander';
import { addDeviceCommands } from './commands/device.ts';
import { addDrillCommands } from './commands/drill.ts';
import { addGuardrailCommands } from './commands/guardrail.ts';
import { addIncidentCommands } from './commands/incident.ts';
import { addKillCommands } from './commands/kill.ts';
import { addMetricsCommands } from './commands/metrics.ts';
import { addReleaseCommands } from './commands/release.ts';
import { addRolloutCommands } from './commands/rollout.ts';
import { addStatusCommand } from './commands/status.ts';
import { addWebhookCommands } from './commands/webhook.ts';
import { EXIT, EXIT_CODES_HELP } from './exit-codes.ts';
import { addLocalCommands } from './local/local.ts';

const program = new Command('belay')
  .description('Stages a new vision model up a fleet of edge devices and catches it when it slips.')
  .version('0.1.0')
  .showHelpAfterError('(belay --help lists the commands)')
  .addHelpText('after', `\n${EXIT_CODES_HELP}`)
  .exitOverride();

addLocalCommands(program);
addStatusCommand(program);
addReleaseCommands(program);
addRolloutCommands(program);
addGuardrailCommands(program);
addDeviceCommands(program);
addKillCommands(program);
addIncidentCommands(program);
addMetricsCommands(program);
addDrillCommands(program);
addWebhookCommands(program);
applyToAll(program, 'belay');

// The reader of a pipe may have seen enough (`belay release list | head -1`): no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}

/** Every sub-command ends the same way: an exit code, never a bare process.exit. */
function applyToAll(command: Command, name: string): void {
  for (const child of command.commands) {
    const childName = `${name} ${child.name()}`;
    child.exitOverride().showHelpAfterError(`(${childName} --help says more)`);
    applyToAll(child, childName);
  }
}
