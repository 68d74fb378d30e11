// The tree of commands as commander knows it: as much of it as one command line needs.
import { Command, CommanderError } from 'commander';
import { addCommands } from './commands.ts';
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit-codes.ts';
import { VERSION } from './version.ts';

const EXAMPLES = `
Examples
  belay login https://belay.plant-a.example   then: belay status
  belay rollout plan FILE                     who would get it; starts nothing
  belay rollout start FILE --watch            the exit code is the verdict
  belay rollback --reason "…"                 the rollout that goes on, back
  belay kill --all --reason "…"               never asks; measured everywhere
  belay doctor                                when something seems wrong
`;

/** `name`: the command that is asked for, whose file is loaded; `null`: all of them. */
export async function openProgram(name: string | null): Promise<Command> {
  const program = new Command('belay')
    .description('Stages a new vision model up a fleet of edge devices and catches it when it slips.')
    .version(VERSION)
    .showHelpAfterError('(belay --help lists the commands)')
    .addHelpText('after', `${EXAMPLES}\n${EXIT_CODES_HELP}`)
    .exitOverride();
  await addCommands(program, name);
  addHelpCommand(program);
  applyToAll(program, 'belay');
  return program;
}

/** `belay help`, `belay help COMMAND…` and `belay help exit-codes`. */
function addHelpCommand(program: Command): void {
  program
    .command('help')
    .argument('[words...]', 'a command, or exit-codes')
    .description('help for a command, or: belay help exit-codes')
    .action((words: readonly string[]) => {
      if (words[0] === 'exit-codes') process.stdout.write(EXIT_CODES_HELP);
      else helpedBy(program, words).help();
    });
}

function helpedBy(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const word of words) {
    const next = found.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (!next) return program.error(`error: there is no command '${words.join(' ')}'`);
    found = next;
  }
  return found;
}

/** Every sub-command ends the same way: an exit code, never a bare process.exit. */
function applyToAll(command: Command, name: string): void {
  for (const child of command.commands) {
    const childName = `${name} ${child.name()}`;
    child.exitOverride().showHelpAfterError(`(${childName} --help says more)`);
    applyToAll(child, childName);
  }
}

/** Does what the words say; gives the exit code. */
export async function runCommandLine(words: readonly string[]): Promise<ExitCode> {
  try {
    const [first, second] = words.filter((word) => !word.startsWith('-'));
    const program = await openProgram((first === 'help' ? second : first) ?? '');
    await program.parseAsync(words, { from: 'user' });
    return (process.exitCode ?? EXIT.ok) as ExitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}
