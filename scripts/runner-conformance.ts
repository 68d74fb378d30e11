// `npm run runner:conformance -- [--command "PROGRAM ARG…"] [--release DIR] [--json]`: any runner, in any language, against
// the rules of agent/inference/PROTOCOL.md. Exit 0 when all of them hold, 1 when one does not, 2 when used wrongly.
import { parseArgs } from 'node:util';
import { OWN_RUNNER } from '../agent/inference/runner-program.ts';
import { describeError } from '../shared/basics/errors.ts';
import { checkRunner, type Verdict } from './conformance/check-runner.ts';

const USAGE = `npm run runner:conformance -- [--command "PROGRAM ARG…"] [--release DIR] [--json]

  --command  the runner, words apart by spaces, quoted where a word has one; ours when left out
  --release  a package folder with manifest.json that the runner can load; a tiny built-in one when left out
  --json     one JSON object per rule
`;

/** Words of a command line; single and double quotes hold a word together. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

function render({ rule, says, holds, seen }: Verdict): string {
  const line = `${holds ? 'pass' : 'FAIL'}  ${rule.padEnd(18)} ${says}\n`;
  return holds ? line : `${line}      ${seen}\n`;
}

async function run(): Promise<number> {
  const { values } = parseArgs({
    options: {
      command: { type: 'string' },
      release: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE, 0);
  const command = values.command === undefined ? OWN_RUNNER : wordsOf(values.command);
  if (command.length === 0) return say(USAGE, 2);
  const onVerdict = (verdict: Verdict): void => {
    process.stdout.write(values.json ? `${JSON.stringify(verdict)}\n` : render(verdict));
  };
  const verdicts = await checkRunner({ command, releaseDir: values.release ?? null, onVerdict });
  const broken = verdicts.filter((verdict) => !verdict.holds).length;
  if (!values.json) process.stdout.write(`${verdicts.length - broken} of ${verdicts.length} rules hold\n`);
  return broken === 0 ? 0 : 1;
}

function say(text: string, code: number): number {
  (code === 0 ? process.stdout : process.stderr).write(text);
  return code;
}

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
