// The `belay` command line: a customer of the HTTP API. Process entry.
import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import { openProgram } from './open-program.ts';

// The reader of a pipe may have seen enough (`belay release list | head -1`): no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

const [first, ...rest] = process.argv.slice(2);
if (first === 'complete') await offerCompletions(rest);
else await run();

async function run(): Promise<void> {
  try {
    const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
    const program = await openProgram((words[0] === 'help' ? words[1] : words[0]) ?? '');
    await program.parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

/** A shell that completes shows no errors: it just offers nothing. */
async function offerCompletions(words: readonly string[]): Promise<void> {
  const { complete } = await import('./complete.ts');
  await complete(words[0] === '--' ? words.slice(1) : words).catch(() => {});
}
