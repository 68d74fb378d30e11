// What every command needs, and how a command ends: one place for options that all share, and for exit codes.
import type { Command } from 'commander';
import { describeError } from '../../shared/basics/errors.ts';
import { type ApiClient, CommandError, DEFAULT_URL, openApiClient } from './api-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type Output, openOutput, printable } from './output.ts';

export type Session = { readonly api: ApiClient; readonly output: Output; readonly actor: string };

type SharedOptions = { readonly url?: string; readonly json?: boolean; readonly actor?: string };

/** Adds --url, --json and --actor, and runs `action` with a session; its value is the exit code (nothing: 0). */
export function addAction<Options extends object>(
  command: Command,
  action: (session: Session, args: readonly string[], options: Options) => Promise<ExitCode | undefined>,
): Command {
  return command
    .option('--url <url>', `address of the control plane (default BELAY_URL or ${DEFAULT_URL})`)
    .option('--json', 'print JSON: one document, or one per line while watching')
    .option('--actor <name>', 'who does this, for the audit (default BELAY_ACTOR or the login name)')
    .action(async () => {
      const options = command.opts<Options & SharedOptions>();
      process.exitCode = await runGuarded(options, () => action(openSession(options), command.args, options));
    });
}

/** As addAction, for what needs no control plane: --json alone. */
export function addOfflineAction<Options extends object>(
  command: Command,
  action: (output: Output, args: readonly string[], options: Options) => Promise<ExitCode | undefined>,
): Command {
  return command.option('--json', 'print one JSON document').action(async () => {
    const options = command.opts<Options & Pick<SharedOptions, 'json'>>();
    const output = openOutput({ json: options.json === true });
    process.exitCode = await runGuarded(options, () => action(output, command.args, options));
  });
}

function openSession(options: SharedOptions): Session {
  const url = options.url ?? process.env.BELAY_URL ?? DEFAULT_URL;
  const actor = options.actor ?? process.env.BELAY_ACTOR ?? process.env.USER ?? 'operator';
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new CommandError(EXIT.usage, `"${url}" is not an address of a control plane, such as ${DEFAULT_URL}`);
  return { api: openApiClient(url), output: openOutput({ json: options.json === true }), actor };
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

/** `--timeout` of a command that waits. */
export function readSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new CommandError(EXIT.usage, `--timeout ${text}: give a number of seconds above 0`);
  return seconds;
}

/** The argument at `index`, which commander has made sure of. */
export function argument(args: readonly string[], index: number): string {
  const value = args[index];
  if (value === undefined) throw new CommandError(EXIT.usage, `argument ${index + 1} is missing`);
  return value;
}
