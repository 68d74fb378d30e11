// What every command needs, and how a command ends: one place for options that all share, and for exit codes.
import type { Command } from 'commander';
import { describeError } from '../../shared/basics/errors.ts';
import { type ApiClient, CommandError, openApiClient } from './api-client.ts';
import { type Connection, resolveConnection } from './connection.ts';
import { DEFAULT_URL } from './default-url.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Output, openOutput, printable } from './output.ts';

export type Session = {
  readonly api: ApiClient;
  readonly output: Output;
  readonly actor: string;
  readonly connection: Connection;
};

type SharedOptions = {
  readonly url?: string;
  readonly context?: string;
  readonly json?: boolean;
  readonly ascii?: boolean;
  readonly actor?: string;
  /** Of a command that changes something. */
  readonly idempotencyKey?: string;
};

/** Adds the options that all share, and runs `action` with a session; its value is the exit code (nothing: 0). */
export function addAction<Options extends object>(
  command: Command,
  action: (session: Session, args: readonly string[], options: Options) => Promise<ExitCode | undefined>,
): Command {
  return command
    .option('--url <url>', `address of the control plane (default BELAY_URL, the context, or ${DEFAULT_URL})`)
    .option('--context <name>', 'a control plane signed in to before (default BELAY_CONTEXT, or the current one)')
    .option('--json', 'print JSON: one document, or one per line while watching')
    .option('--ascii', 'only plain letters and signs (also with TERM=dumb)')
    .option('--actor <name>', 'who does this where nobody signs in (default BELAY_ACTOR or the login name)')
    .action(async () => {
      const options = command.opts<Options & SharedOptions>();
      process.exitCode = await runGuarded(options, async () => {
        return action(await openSession(options), command.args, options);
      });
    });
}

/** As addAction, for what needs no control plane: --json alone. */
export function addOfflineAction<Options extends object>(
  command: Command,
  action: (output: Output, args: readonly string[], options: Options) => Promise<ExitCode | undefined>,
): Command {
  return command.option('--json', 'print one JSON document').action(async () => {
    const options = command.opts<Options & Pick<SharedOptions, 'json'>>();
    const output = openOutput({ json: options.json === true, ascii: false });
    process.exitCode = await runGuarded(options, () => action(output, command.args, options));
  });
}

async function openSession(options: SharedOptions): Promise<Session> {
  const connection = await resolveConnection(options);
  const actor = options.actor ?? process.env.BELAY_ACTOR ?? process.env.USER ?? 'operator';
  const api = openApiClient(connection.url, { ...connection, idempotencyKey: options.idempotencyKey ?? null });
  return { api, output: openOutput({ json: options.json === true, ascii: options.ascii === true }), actor, connection };
}

async function runGuarded(
  options: Pick<SharedOptions, 'json'>,
  action: () => Promise<ExitCode | undefined>,
): Promise<ExitCode> {
  try {
    return (await action()) ?? EXIT.ok;
  } catch (error) {
    return reportFailure(error, options.json === true);
  }
}

/** Says what went wrong on stderr, as text or as JSON, and gives the exit code. */
export function reportFailure(error: unknown, json: boolean): ExitCode {
  const exitCode = error instanceof CommandError ? error.exitCode : EXIT.failed;
  const message = error instanceof CommandError ? error.message : describeError(error);
  const details = error instanceof CommandError ? error.details : null;
  process.stderr.write(
    json ? `${JSON.stringify({ error: message, exitCode, details })}\n` : `belay: ${printable(message)}\n`,
  );
  return exitCode;
}

const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `--timeout` of a command that waits: seconds, or such as 90s, 30m, 2h, 1d. */
export function readSeconds(text: string): number {
  const [, number = '', unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text) ?? [];
  const seconds = Number(number) * (UNIT_S[unit] ?? 0);
  if (seconds > 0) return seconds;
  throw new CommandError(EXIT.usage, `--timeout ${text}: give a number of seconds above 0, or such as 30m or 2h`);
}

/** The argument at `index`, which commander has made sure of. */
export function argument(args: readonly string[], index: number): string {
  const value = args[index];
  if (value === undefined) throw new CommandError(EXIT.usage, `argument ${index + 1} is missing`);
  return value;
}
