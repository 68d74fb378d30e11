// What every command that changes something shares: --reason, --dry-run, --yes, --idempotency-key, and the one question before it.
import type { Command } from 'commander';
import { CommandError } from './api-client.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';

export type ChangeOptions = {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly idempotencyKey?: string;
};

/**
 * When a person is asked. `always`: it exposes devices, or takes a protection away; without a terminal it needs --yes.
 * `on-terminal`: it leads back, and nothing holds it up where nobody can be asked. `never`: it reaches no device, or it is a kill.
 */
export type Asking = 'always' | 'on-terminal' | 'never';

export type Change = {
  /** What would be done, as the beginning of a sentence: `promote ro-1 to stage half`. */
  readonly what: string;
  /** Whom it reaches, with counts; read only when somebody is asked, or with --dry-run. */
  readonly reach?: () => Promise<readonly string[]>;
  readonly request: { readonly method: string; readonly path: string; readonly body?: unknown };
  readonly asking: Asking;
};

/** `reason`: what it is for; null: this command has none. */
export function addChangeOptions(command: Command, reason: string | null, required = true): Command {
  if (reason !== null && required) command.requiredOption('--reason <text>', reason);
  else if (reason !== null) command.option('--reason <text>', reason);
  return command
    .option('--dry-run', 'say what would be done and whom it reaches; change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--idempotency-key <key>', 'however often it is sent with this key, it is done once');
}

/** True: go on. Throws CommandError when nobody can be asked, or when the answer is no. */
export async function isWanted(output: Output, options: ChangeOptions, change: Change): Promise<boolean> {
  if (options.dryRun) {
    await tellDryRun(output, change);
    return false;
  }
  if (options.yes || change.asking === 'never') return true;
  if (!canAsk(output)) {
    if (change.asking === 'on-terminal') return true;
    const text = `this would ${change.what}, and there is no terminal to ask on.\nNext: add --yes, or look first with --dry-run`;
    throw new CommandError(EXIT.usage, text);
  }
  for (const line of await reachOf(change)) output.note(`  ${line}`);
  const { confirm } = await import('@clack/prompts');
  const message = `${change.what[0]?.toUpperCase()}${change.what.slice(1)}?`;
  const isYes = await confirm({ message, initialValue: false, output: process.stderr });
  if (isYes === true) return true;
  throw new CommandError(EXIT.failed, 'nothing was changed');
}

/** True on a terminal, unless BELAY_NO_PROMPT is set or JSON was asked for. */
export function canAsk(output: Pick<Output, 'json'>, env: NodeJS.ProcessEnv = process.env): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true && !env.BELAY_NO_PROMPT && !output.json;
}

async function tellDryRun(output: Output, change: Change): Promise<void> {
  const reach = await reachOf(change);
  const { what, request } = change;
  output.show({ dryRun: true, what, reach, request }, () =>
    [
      `Would ${what}`,
      ...reach.map((line) => `  ${line}`),
      `  ${request.method} ${request.path}${request.body === undefined ? '' : ` ${JSON.stringify(request.body)}`}`,
      'Nothing was changed.',
    ].join('\n'),
  );
}

async function reachOf({ reach }: Change): Promise<readonly string[]> {
  return reach === undefined ? [] : await reach();
}
