// `belay token …`: API tokens, for CI and machines. Making one needs a person's password: a token makes no tokens.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type TokenCreated, tokenCreatedSchema, tokenListSchema } from '../../../shared/protocol/api-identity.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument } from '../program.ts';
import { describeGrants, formatDay, renderTokens } from '../render/identity.ts';
import { collectGrants, readGrants, readPerson, withSession } from '../sign-in.ts';

const HELP = `
Examples
  belay token create ci --grant operator@plant-a --days 30      asks for your password
  belay token create dashboards --grant viewer --no-kill
  belay token list
  belay token revoke ID --yes`;

const CREATE_HELP = `
A token may at most what you may. It is shown once, and kept as a hash: put it where BELAY_TOKEN comes from.
Without a terminal: --name ACCOUNT, and the password on stdin.`;

export function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .description('API tokens, for machines: shown once, expiring, revocable')
    .addHelpText('after', HELP);
  addCreate(token);
  addList(token);
  addRevoke(token);
}

type CreateOptions = ChangeOptions & { grant?: string[]; days: string; kill: boolean; name?: string };

function addCreate(token: Command): void {
  const command = token
    .command('create')
    .argument('<name>', 'what it is for')
    .description('make a token; it is shown this once')
    .option('--grant <role@sites>', 'what it may: ROLE, or ROLE@SITE,SITE (default: the same as you)', collectGrants)
    .option('--no-kill', 'it may not kill')
    .option('--days <number>', 'how long it holds, 730 at most', '90')
    .option('--name <account>', 'who makes it')
    .addHelpText('after', CREATE_HELP);
  addAction<CreateOptions>(addChangeOptions(command, null), async ({ output, connection }, args, options) => {
    const days = Number(options.days);
    if (!Number.isInteger(days)) throw new CommandError(EXIT.usage, `--days ${options.days}: give whole days`);
    const body = {
      name: argument(args, 0),
      days,
      ...(options.grant === undefined ? {} : { grants: readGrants(options.grant) }),
      ...(options.kill ? {} : { mayKill: false }),
    };
    const request = { ...endpoint('POST /v1/tokens'), body };
    if (!(await isWanted(output, options, { what: `make the token "${body.name}"`, request, asking: 'never' })))
      return undefined;
    const person = await readPerson(output, options);
    const created = await withSession(connection.url, person, ({ api }) =>
      api.ask(endpoint('POST /v1/tokens'), tokenCreatedSchema, body),
    );
    output.show(created, () => created.token);
    if (!output.json) output.note(tell(created));
    return undefined;
  });
}

function tell({ id, name, grants, mayKill, expiresAtMs }: TokenCreated): string {
  const may = `${describeGrants(grants)}${mayKill ? ', may kill' : ''}`;
  return `token ${id} "${name}": ${may}, until ${formatDay(expiresAtMs)}. It is not shown again.`;
}

function addList(token: Command): void {
  const command = token.command('list').description('your tokens').option('--all', "everybody's (administrators)");
  addAction<{ all?: boolean }>(command, async ({ api, output }, _args, { all }) => {
    const list = await api.ask(endpoint('GET /v1/tokens', { all: all ? true : null }), tokenListSchema);
    output.show(list, () => renderTokens(list.tokens, Date.now()));
    return undefined;
  });
}

function addRevoke(token: Command): void {
  const command = token.command('revoke').argument('<id>').description('end a token, now');
  addAction<ChangeOptions>(addChangeOptions(command, null), async ({ api, output }, args, options) => {
    const id = argument(args, 0);
    const request = endpoint('DELETE /v1/tokens/:id', { id });
    const what = `end the token ${id}: whatever uses it is shut out at once`;
    if (!(await isWanted(output, options, { what, request, asking: 'on-terminal' }))) return undefined;
    await api.remove(request);
    output.show({ revoked: id }, () => `token ${id} is revoked`);
    return undefined;
  });
}
