// `npm run simulate:plans`: every worked plan of scripts/examples on a simulated fleet, to both ends: what completes, what is
// stopped, by which rule, where and when. Exit 0: every end is the one that the plan is for, 1: one is not, 2: wrong use.
import { parseArgs } from 'node:util';
import type { Candidate } from '../test/simulation/plans/candidate.ts';
import { PLAN_CASES, type PlanCase } from '../test/simulation/plans/plan-cases.ts';
import { type PlanEnd, runPlan } from '../test/simulation/plans/plan-life.ts';

const HELP = `npm run simulate:plans -- [options]

  --seed S     the fleet and its noise (default 1)
  --only N     one plan: --only 4
  --json       one line of JSON per run
`;

const OPTIONS = {
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Line = PlanEnd & { readonly plan: string; readonly candidate: string; readonly isExpected: boolean };

function* linesOf(each: PlanCase, seed: number): Generator<Line> {
  const { plan, file, good, bad, stoppedBy, stage, stays, fault } = each;
  const run = (candidate: Candidate) => runPlan({ file, candidate, seed });
  const best = run(good);
  yield { ...best, plan, candidate: 'good', isExpected: best.end === 'completed' };
  const worst = run(bad);
  const isStopped = worst.end === 'rolled_back' && worst.by === stoppedBy && worst.stage === stage;
  yield { ...worst, plan, candidate: fault, isExpected: isStopped };
  if (!stays) return;
  const middling = run(stays.candidate);
  const isKept = middling.end === 'held' && middling.stage === stays.stage;
  yield { ...middling, plan, candidate: 'harmless, not good enough', isExpected: isKept };
}

function textOf({ plan, candidate, isExpected, end, by, stage, hours, asked, reason }: Line): string {
  const people = asked.length === 0 ? '' : `; asked: ${asked.join(', ')}`;
  const mark = isExpected ? ' ' : '!';
  return `${mark} ${plan.padEnd(26)}${candidate.padEnd(52)}${end} by ${by} in ${stage} after ${hours.toFixed(1)} h${people}\n    ${reason}\n`;
}

function simulatePlans(cases: readonly PlanCase[], { seed, isJson }: { seed: number; isJson: boolean }): number {
  let missed = 0;
  for (const each of cases)
    for (const line of linesOf(each, seed)) {
      if (!line.isExpected) missed += 1;
      process.stdout.write(isJson ? `${JSON.stringify(line)}\n` : textOf(line));
    }
  return missed;
}

const { values } = parseArgs({ options: OPTIONS });
const seed = Number(values.seed);
const cases = PLAN_CASES.filter(({ plan }) => values.only === undefined || plan.startsWith(`${values.only} `));
if (values.help) process.stdout.write(HELP);
else if (!Number.isSafeInteger(seed) || seed < 1 || cases.length === 0) {
  process.stderr.write(
    `simulate:plans: --seed is a whole number above zero, --only one of the plans; --help tells more\n`,
  );
  process.exitCode = 2;
} else process.exitCode = simulatePlans(cases, { seed, isJson: values.json }) === 0 ? 0 : 1;
