// The `belay` command line: a customer of the HTTP API. Process entry: loads no more than one command line needs.
import { EXIT } from './exit-codes.ts';
import { VERSION } from './version.ts';

// The reader of a pipe may have seen enough (`belay release list | head -1`): no reason to complain.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

const words = process.argv.slice(2);
if (words.length === 1 && /^(version|--version|-V)$/.test(words[0] ?? '')) process.stdout.write(`${VERSION}\n`);
else if (words[0] === 'complete') await offerCompletions(words.slice(1));
else {
  const { runCommandLine } = await import('./open-program.ts');
  process.exitCode = await runCommandLine(words);
}

/** A shell that completes shows no errors: it just offers nothing. */
async function offerCompletions(given: readonly string[]): Promise<void> {
  const { complete } = await import('./complete.ts');
  await complete(given[0] === '--' ? given.slice(1) : given).catch(() => {});
}
