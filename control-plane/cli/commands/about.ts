// `belay version` and `belay dashboard`: what this command is, and where the same things are to be seen.
import type { Command } from 'commander';
import { DEFAULT_URL } from '../default-url.ts';
import { VERSION } from '../version.ts';

const HELP = `
Examples
  belay dashboard
  belay dashboard rollout first-rollout
  belay dashboard device plant-a/cam-1
  xdg-open "$(belay dashboard)"`;

const KINDS = ['fleet', 'rollout', 'device', 'release', 'incident', 'kill'] as const;

export function addAboutCommands(program: Command): void {
  // Loads nothing that an answer of the control plane would need: it starts as fast as it can.
  program
    .command('version')
    .description('the version of this command')
    .option('--json', 'print one JSON document')
    .action(({ json }: { json?: boolean }) => {
      process.stdout.write(json ? `${JSON.stringify({ version: VERSION, node: process.version })}\n` : `${VERSION}\n`);
    });
  addDashboard(program);
}

function addDashboard(program: Command): void {
  program
    .command('dashboard')
    .argument('[kind]', KINDS.join(', '), 'fleet')
    .argument('[id]', 'of the rollout, device, release or incident')
    .description('the address of the dashboard, or of one thing on it')
    .option('--url <url>', `address of the control plane (default BELAY_URL, the context, or ${DEFAULT_URL})`)
    .option('--context <name>', 'a control plane signed in to before')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(
      async (kind: string, id: string | undefined, options: { url?: string; context?: string; json?: boolean }) => {
        const { showPage } = await import('./show-page.ts');
        process.exitCode = await showPage({ kind, id, ...options });
      },
    );
}
