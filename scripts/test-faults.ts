// `npm run test:faults`: power cuts, kill -9, full and read-only disks, wrong clocks, each against real agents. One row a
// fault: promised, seen, runs. `--short` is what CI runs. Exit code 1 when a promise was broken or could not be tried.
import { parseArgs } from 'node:util';
import { runFaults } from '../test/faults/faults.ts';

const USAGE = `npm run test:faults -- [--cuts N] [--kills N] [--only power|kill|disk|clock] [--seed N] [--short] [--json]

  --cuts N    power cuts in each phase (default 50)
  --kills N   kill -9 of the whole agent (default 200)
  --short     5 cuts a phase and 10 kills, as in CI
  --seed N    the instants that are drawn (default: another at each run, and printed)
`;

const options = {
  cuts: { type: 'string' },
  kills: { type: 'string' },
  only: { type: 'string' },
  seed: { type: 'string' },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;
const { values } = parseArgs({ options });
if (values.help) process.stdout.write(USAGE);
else {
  const broken = await runFaults({
    cuts: Number(values.cuts ?? (values.short ? 5 : 50)),
    kills: Number(values.kills ?? (values.short ? 10 : 200)),
    only: values.only ?? null,
    seed: Number(values.seed ?? Date.now() % 1_000_000),
    isShort: values.short,
    isJson: values.json,
  });
  process.exitCode = broken === 0 ? 0 : 1;
}
