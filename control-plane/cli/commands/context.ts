// `belay context …`: the control planes known on this machine. Reads and writes a file; asks no control plane.
import type { Command } from 'commander';
import { CommandError } from '../api-client.ts';
import { checkUrl } from '../connection.ts';
import { contextsFile, findContext, readContexts, withContext, writeContexts } from '../contexts.ts';
import { EXIT } from '../exit-codes.ts';
import { addOfflineAction, argument } from '../program.ts';
import { formatDay } from '../render/identity.ts';
import { renderTable } from '../render/table.ts';

const HELP = `
Examples
  belay context list
  belay context use plant-a
  belay --help                      BELAY_CONTEXT and --context mean one for a single command
A context is made by belay login URL; "add" is for a control plane where nobody signs in.`;

export function addContextCommands(program: Command): void {
  const context = program
    .command('context')
    .description('the control planes known here, and which is meant by default')
    .addHelpText('after', HELP);
  addList(context);
  addUse(context);
  addAdd(context);
  addRemove(context);
}

function addList(context: Command): void {
  addOfflineAction(context.command('list').description('every context; "*" is the current one'), async (output) => {
    const { current, contexts } = await readContexts();
    const known = contexts.map(({ token, ...rest }) => ({
      ...rest,
      isCurrent: rest.name === current,
      signedIn: token !== null,
    }));
    output.show({ file: contextsFile(), contexts: known }, () => {
      if (known.length === 0) return 'No contexts yet. Next: belay login URL';
      const rows = known.map(({ isCurrent, name, url, account, expiresAtMs, signedIn }) => [
        isCurrent ? '*' : '',
        name,
        url,
        signedIn ? (account ?? '–') : 'not signed in',
        expiresAtMs === null ? '' : formatDay(expiresAtMs),
      ]);
      return renderTable(
        ['', 'CONTEXT', 'CONTROL PLANE', 'AS', 'UNTIL'].map((title) => ({ title })),
        rows,
      );
    });
    return undefined;
  });
}

function addUse(context: Command): void {
  const command = context.command('use').argument('<name>').description('mean this one from now on');
  addOfflineAction(command, async (output, args) => {
    const contexts = await readContexts();
    const { name, url } = findContext(contexts, argument(args, 0));
    await writeContexts({ ...contexts, current: name });
    output.show({ current: name, url }, () => `The current context is "${name}": ${url}`);
    return undefined;
  });
}

function addAdd(context: Command): void {
  const command = context
    .command('add')
    .argument('<name>')
    .argument('<url>')
    .description('know a control plane without signing in there, and mean it from now on');
  addOfflineAction(command, async (output, args) => {
    const [name, url] = [argument(args, 0), checkUrl(argument(args, 1))];
    const contexts = await readContexts();
    if (contexts.contexts.some((each) => each.name === name))
      throw new CommandError(
        EXIT.conflict,
        `there is a context "${name}" already.\nNext: belay context remove ${name}, or another name`,
      );
    await writeContexts(
      withContext(contexts, { name, url, token: null, tokenId: null, account: null, expiresAtMs: null }),
    );
    output.show(
      { current: name, url },
      () => `The current context is "${name}": ${url}\nTo sign in there: belay login ${url} --context ${name}`,
    );
    return undefined;
  });
}

function addRemove(context: Command): void {
  const command = context
    .command('remove')
    .argument('<name>')
    .description('forget it, with its token; to revoke the token first: belay logout --context NAME');
  addOfflineAction(command, async (output, args) => {
    const contexts = await readContexts();
    const { name } = findContext(contexts, argument(args, 0));
    const rest = contexts.contexts.filter((each) => each.name !== name);
    const current = contexts.current === name ? (rest[0]?.name ?? null) : contexts.current;
    await writeContexts({ ...contexts, contexts: rest, current });
    output.show(
      { removed: name, current },
      () =>
        `"${name}" is forgotten. ${current === null ? 'No context is left.' : `The current context is "${current}".`}`,
    );
    return undefined;
  });
}
