// `belay site …`: what a site allows: whether its devices may be asked for pictures.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type SitePolicy, sitePolicySchema } from '../../../shared/protocol/api-pictures.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument } from '../program.ts';

export function addSiteCommands(program: Command): void {
  const site = program.command('site').description('sites: what they allow, such as pictures of their devices');
  addGet(site);
  addSet(site);
}

function addGet(site: Command): void {
  const command = site.command('get').argument('<site>').description('what a site allows, and who said so');
  addAction(command, async ({ api, output }, args) => {
    const policy = await api.ask(endpoint('GET /v1/sites/:site/policy', { site: argument(args, 0) }), sitePolicySchema);
    output.show(policy, () => describePolicy(policy));
    return undefined;
  });
}

const HELP = `
From then on operators of the site may ask its devices for their last frame, and for frames in which a shadow differs.
Every ask and every look stands in the audit. Off forgets what is kept. A device may refuse for itself (pictures: never).

Example
  belay site set plant-a --pictures on --reason "review of the new detector"`;

function addSet(site: Command): void {
  const command = site
    .command('set')
    .argument('<site>')
    .description('let its devices be asked for pictures, or not (admins of the site)')
    .requiredOption('--pictures <on|off>', 'off everywhere until somebody says on')
    .addHelpText('after', HELP);
  type Options = ChangeOptions & { pictures: string; reason: string };
  addAction<Options>(addChangeOptions(command, 'why: it stands in the audit'), async (session, args, options) => {
    const { api, output, actor } = session;
    const { pictures, reason } = options;
    if (pictures !== 'on' && pictures !== 'off')
      throw new CommandError(EXIT.usage, `--pictures ${pictures}: on or off`);
    const site = argument(args, 0);
    const request = { ...endpoint('PUT /v1/sites/:site/policy', { site }), body: { pictures, reason, actor } as const };
    const what =
      pictures === 'on'
        ? `let operators of ${site} look at what its devices see`
        : `let nobody look at ${site} any more`;
    const asking = pictures === 'on' ? 'always' : 'never';
    if (!(await isWanted(output, options, { what, request, asking }))) return undefined;
    const policy = await api.ask(request, sitePolicySchema, request.body);
    output.show(policy, () => describePolicy(policy));
    return undefined;
  });
}

function describePolicy({ site, pictures, changedAtMs, changedBy }: SitePolicy): string {
  const since =
    changedAtMs === null ? 'never changed' : `since ${new Date(changedAtMs).toISOString()}, by ${changedBy}`;
  return `${site}: pictures ${pictures} (${since})`;
}
