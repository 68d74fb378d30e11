// Process entry of `npm run models:verify [-- --json] [--dir <releases>]`: checks every committed release and says so in a
// table. Exit code 0 only when every check of every release passed.
import { parseArgs } from 'node:util';
import { CATALOGUE } from './catalogue.ts';
import { RELEASES_DIR } from './release-store.ts';
import { type VerifiedRelease, verifyRelease } from './verification.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, dir: { type: 'string', default: RELEASES_DIR } },
});

const results: VerifiedRelease[] = [];
for (const entry of CATALOGUE) results.push(await verifyRelease(entry.folder, values.dir));

process.stdout.write(values.json ? `${JSON.stringify(results, null, 2)}\n` : results.map(describe).join(''));
const failed = results.filter((result) => result.checks.some((check) => !check.passed));
if (!values.json) {
  const summary = failed.length === 0 ? 'all good' : `${failed.length} bad: ${failed.map((result) => result.folder)}`;
  process.stdout.write(`${results.length} releases, ${summary}. Scores are on synthetic golden frames only.\n`);
}
process.exitCode = failed.length === 0 ? 0 : 1;

function describe(result: VerifiedRelease): string {
  const lines = result.checks.map(
    (check) => `  ${check.passed ? 'ok  ' : 'FAIL'} ${check.name.padEnd(11)} ${check.detail}\n`,
  );
  const shown = result.scores.filter((score) => score.class === undefined || score.size !== undefined);
  const scores = shown.map((score) => `${score.size ? 'small-crack ' : ''}${score.metric} ${score.value}`).join(', ');
  return `${result.folder}\n${lines.join('')}${scores === '' ? '' : `       ${scores}\n`}`;
}
