// `belay login`, `logout`, `whoami`: a person signs in once, and this machine gets a token of its own.
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type TokenCreated, tokenCreatedSchema } from '../../../shared/protocol/api-identity.ts';
import { CommandError, openApiClient } from '../api-client.ts';
import { checkUrl, resolveConnection } from '../connection.ts';
import {
  type Context,
  contextNameOf,
  contextsFile,
  findContext,
  readContexts,
  withContext,
  writeContexts,
} from '../contexts.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, addOfflineAction } from '../program.ts';
import { describeIdentity, formatDay } from '../render/identity.ts';
import { readPerson, type SignedIn, whoIsThere, withSession } from '../sign-in.ts';

const LOGIN_HELP = `
Examples
  belay login https://belay.plant-a.example            asks for name and password
  belay login URL --name lead < password-file           no terminal: the password on stdin
  BELAY_TOKEN=bly_… belay status --url URL             a machine needs no login
The token lies in $XDG_CONFIG_HOME/belay/config.json, for its owner's eyes only (mode 0600), never the password.`;

type LoginOptions = { name?: string; context?: string; days: string };

export function addLoginCommands(program: Command): void {
  const login = program
    .command('login')
    .argument('[url]', 'of the control plane (default: the current context, or this machine)')
    .description('sign in to a control plane; this machine gets a token of its own')
    .option('--name <account>', 'who signs in')
    .option('--context <name>', 'what to call it here (default: its host)')
    .option('--days <number>', 'how long the token holds', '90')
    .addHelpText('after', LOGIN_HELP);
  addOfflineAction<LoginOptions>(login, async (output, args, options) => {
    const { url } = await resolveConnection(args[0] === undefined ? {} : { url: checkUrl(args[0]) });
    return signIn(output, url, options);
  });
  const logout = program
    .command('logout')
    .description('sign out: the token of this machine is revoked and forgotten')
    .option('--context <name>', 'of which control plane (default: the current one)');
  addOfflineAction<{ context?: string }>(logout, async (output, _args, { context }) => signOut(output, context));
  addWhoami(program);
}

async function signIn(output: Output, url: string, options: LoginOptions): Promise<ExitCode | undefined> {
  const days = Number(options.days);
  if (!Number.isInteger(days) || days < 1)
    throw new CommandError(EXIT.usage, `--days ${options.days}: give whole days`);
  const name = options.context ?? contextNameOf(url);
  const contexts = await readContexts();
  const anonymous = await whoIsThere(openApiClient(url));
  if (anonymous?.open) {
    await writeContexts(
      withContext(contexts, { name, url, token: null, tokenId: null, account: null, expiresAtMs: null }),
    );
    output.show(
      { context: name, url, open: true },
      () => `Nobody signs in at ${url}: whoever reaches it may do everything.\nIt is the current context, "${name}".`,
    );
    return undefined;
  }
  warnOfPlainText(output, url);
  const before = contexts.contexts.find((each) => each.name === name && each.url === url);
  const created = await withSession(url, await readPerson(output, options), (signed) =>
    makeToken(signed, days, before),
  );
  const { token, id: tokenId, owner: account, expiresAtMs } = created;
  await writeContexts(withContext(contexts, { name, url, token, tokenId, account, expiresAtMs }));
  output.show({ context: name, url, account, expiresAtMs }, () =>
    [
      `Signed in at ${url} as ${describeIdentity({ ...created, name: account, kind: 'person' })}`,
      `This machine has a token until ${formatDay(expiresAtMs)}, kept in ${contextsFile()} (context "${name}").`,
      'Next: belay status',
    ].join('\n'),
  );
  return undefined;
}

/** The token that this machine had before is of no more use. */
async function makeToken({ api }: SignedIn, days: number, before: Context | undefined): Promise<TokenCreated> {
  const created = await api.ask(endpoint('POST /v1/tokens'), tokenCreatedSchema, {
    name: `belay on ${hostname()}`,
    days,
  });
  if (before?.tokenId) await api.remove(endpoint('DELETE /v1/tokens/:id', { id: before.tokenId })).catch(() => {});
  return created;
}

function warnOfPlainText(output: Output, url: string): void {
  if (new URL(url).protocol === 'https:' || contextNameOf(url) === 'local') return;
  output.note(`warning: ${url} is not encrypted; whoever is on the way reads the password and the token. Use https.`);
}

async function signOut(output: Output, wanted: string | undefined): Promise<ExitCode | undefined> {
  const contexts = await readContexts();
  const name = wanted ?? contexts.current;
  if (name === null) throw new CommandError(EXIT.notFound, 'nobody is signed in here.\nNext: belay login URL');
  const context = findContext(contexts, name);
  const { url, token, tokenId } = context;
  if (token === null) throw new CommandError(EXIT.notFound, `nobody is signed in at ${url} (context "${name}")`);
  const forgotten = { ...context, token: null, tokenId: null, account: null, expiresAtMs: null };
  await writeContexts({ ...withContext(contexts, forgotten), current: contexts.current });
  const revoked = await revoke(context, tokenId);
  output.show({ context: name, url, revoked: revoked === null }, () =>
    revoked === null
      ? `Signed out of ${url}: the token is revoked.`
      : `Signed out here. ${revoked}\nIt holds until it expires, or: belay token revoke ${tokenId}`,
  );
  return revoked === null ? undefined : EXIT.failed;
}

/** Null when it is revoked, else why not. */
async function revoke({ url, token, name }: Context, tokenId: string | null): Promise<string | null> {
  if (tokenId === null) return 'The token could not be revoked: its id is not known here.';
  try {
    await openApiClient(url, { token, tokenFrom: name, idempotencyKey: null }).remove(
      endpoint('DELETE /v1/tokens/:id', { id: tokenId }),
    );
    return null;
  } catch (error) {
    // Refused: it was over already.
    if (error instanceof CommandError && error.exitCode === EXIT.forbidden) return null;
    return `The token could not be revoked: ${(error as Error).message}`;
  }
}

function addWhoami(program: Command): void {
  const whoami = program.command('whoami').description('who is signed in, and what that allows where');
  addAction(whoami, async ({ api, output, connection }) => {
    const session = await whoIsThere(api);
    if (session === null)
      throw new CommandError(
        EXIT.forbidden,
        `nobody is signed in at ${connection.url}.\nNext: belay login ${connection.url}`,
      );
    output.show(session, () =>
      [
        session.open
          ? 'nobody signs in here: whoever reaches it may do everything'
          : describeIdentity(session.identity),
        `  at ${connection.url}${connection.tokenFrom === null ? '' : `, by the token of ${connection.tokenFrom}`}`,
        ...(session.expiresAtMs === null ? [] : [`  until ${formatDay(session.expiresAtMs)}`]),
      ].join('\n'),
    );
    return undefined;
  });
}
