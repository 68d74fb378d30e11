// `belay account …`: people and what they may, by site. Accounts are disabled, never deleted: the audit names them.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  type Account,
  type AccountChangeBody,
  accountListSchema,
  accountSchema,
  sessionSchema,
} from '../../../shared/protocol/api-identity.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { runProgram } from '../local/run-program.ts';
import type { Output } from '../output.ts';
import { addAction, argument, type Session } from '../program.ts';
import { describeGrants, renderAccounts } from '../render/identity.ts';
import { collectGrants, readGrants, readPerson, readSecrets, withSession } from '../sign-in.ts';

const HELP = `
Examples
  belay account add lead --grant operator@plant-a,plant-b      asks for its first password
  belay account add ci-reader --grant viewer < password-file  no terminal: the password on stdin
  belay account set lead --grant approver --reason "on call"
  belay account disable lead --reason "left"
  belay account passwd                                        your own password`;
const GRANT = 'what they may: ROLE, or ROLE@SITE,SITE; roles: viewer, operator, approver, admin';
const REASON = 'why, for the audit';

export function addAccountCommands(program: Command): void {
  const account = program
    .command('account')
    .description('accounts of people, with their roles by site')
    .addHelpText('after', HELP);
  addList(account);
  addAdd(account);
  addSet(account);
  addSwitch(account, { verb: 'disable', disabled: true, description: 'shut somebody out; sessions and tokens end' });
  addSwitch(account, { verb: 'enable', disabled: false, description: 'let somebody in again' });
  addPasswd(account);
  addResetAdmin(account);
}

function addList(account: Command): void {
  addAction(account.command('list').description('every account'), async ({ api, output }) => {
    const list = await api.ask(endpoint('GET /v1/accounts'), accountListSchema);
    output.show(list, () => renderAccounts(list.accounts, Date.now()));
    return undefined;
  });
}

type SetOptions = ChangeOptions & { grant?: string[]; kill?: boolean };

function addAdd(account: Command): void {
  const command = account
    .command('add')
    .argument('<name>')
    .description('make an account')
    .requiredOption('--grant <role@sites>', GRANT, collectGrants)
    .option('--no-kill', 'they may not kill');
  addAction<SetOptions>(addChangeOptions(command, REASON, false), async (session, args, options) => {
    const { api, output } = session;
    const name = argument(args, 0);
    const { reason, grant = [], kill } = options;
    const rest = {
      grants: readGrants(grant),
      ...(reason ? { reason } : {}),
      ...(kill === false ? { mayKill: false } : {}),
    };
    const request = { ...endpoint('POST /v1/accounts'), body: { name, ...rest } };
    if (!(await isWanted(output, options, { what: `make the account "${name}"`, request, asking: 'never' })))
      return undefined;
    const [password = ''] = await readSecrets(output, [`First password of ${name}`]);
    const made = await api.ask(request, accountSchema, { name, password, ...rest });
    output.show(made, () => tell(made));
    return undefined;
  });
}

function addSet(account: Command): void {
  const command = account
    .command('set')
    .argument('<name>')
    .description('change what somebody may, or their password')
    .option('--grant <role@sites>', `${GRANT}; in place of all they have`, collectGrants)
    .option('--kill', 'they may kill')
    .option('--no-kill', 'they may not kill')
    .option('--password', 'a new password: asked for, or the first line of stdin');
  type Options = SetOptions & { password?: boolean };
  addAction<Options>(addChangeOptions(command, REASON, false), async (session, args, options) => {
    const { grant, kill, password: isNew, reason } = options;
    if (grant === undefined && kill === undefined && !isNew)
      throw new CommandError(EXIT.usage, 'say what to change: --grant, --kill, --no-kill or --password');
    const body = {
      ...(grant === undefined ? {} : { grants: readGrants(grant) }),
      ...(kill === undefined ? {} : { mayKill: kill }),
      ...(reason ? { reason } : {}),
    };
    return change(session, { name: argument(args, 0), body, options, withPassword: isNew === true });
  });
}

type Switch = { readonly verb: string; readonly disabled: boolean; readonly description: string };

function addSwitch(account: Command, { verb, disabled, description }: Switch): void {
  const command = account.command(verb).argument('<name>').description(description);
  addAction<ChangeOptions>(addChangeOptions(command, REASON, false), async (session, args, options) => {
    const body = { disabled, ...(options.reason ? { reason: options.reason } : {}) };
    return change(session, { name: argument(args, 0), body, options, withPassword: false });
  });
}

type Edit = {
  readonly name: string;
  readonly body: AccountChangeBody;
  readonly options: ChangeOptions;
  readonly withPassword: boolean;
};

async function change({ api, output }: Session, { name, body, options, withPassword }: Edit): Promise<undefined> {
  const request = { ...endpoint('PATCH /v1/accounts/:name', { name }), body };
  const what = `change the account "${name}"`;
  if (!(await isWanted(output, options, { what, request, asking: 'on-terminal' }))) return undefined;
  const [password] = withPassword ? await readSecrets(output, [`New password of ${name}`]) : [];
  const changed = await api.ask(request, accountSchema, password === undefined ? body : { ...body, password });
  output.show(changed, () => tell(changed));
  return undefined;
}

function tell({ name, disabled, grants, mayKill }: Account): string {
  return `${name}: ${disabled ? 'disabled' : describeGrants(grants)}${mayKill && !disabled ? '; may kill' : ''}`;
}

function addPasswd(account: Command): void {
  const command = account
    .command('passwd')
    .description('your own password; without a terminal: the current and the new one as two lines of stdin')
    .option('--name <account>', 'who you are');
  addAction<{ name?: string }>(command, async ({ output, connection }, _args, options) => {
    const { name, current, password } = await readChange(output, options.name);
    await withSession(connection.url, { name, password: current }, ({ api }) =>
      api.ask(endpoint('PUT /v1/session/password'), sessionSchema, { current, password }),
    );
    output.show({ account: name, changed: true }, () => `The password of ${name} is changed; other sessions are over.`);
    return undefined;
  });
}

async function readChange(output: Output, given: string | undefined) {
  if (given === undefined) {
    const person = await readPerson(output, {});
    const [next = ''] = await readSecrets(output, ['New password']);
    return { name: person.name, current: person.password, password: next };
  }
  const [current = '', password = ''] = await readSecrets(output, ['Current password', 'New password']);
  return { name: given, current, password };
}

function addResetAdmin(account: Command): void {
  account
    .command('reset-admin')
    .description('on the machine of the control plane, while it is stopped: a new password for admin, printed once')
    .requiredOption('--data <folder>', 'its data folder')
    .action(async ({ data }: { data: string }) => {
      process.exitCode = await runProgram('control-plane/main.ts', ['--data', data, '--reset-admin']);
    });
}
