// `npm test [-- --only STEP…]`: Debian packages, what is built, and then side by side type checks, lint, tidy, unit, contract and process tests,
// simulation, and what mostly waits: system, browser and fault tests. Stops at nothing, fails at the end.
import { availableParallelism, constants } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { runInLanes, type Step, type StepKind } from './check/lanes.ts';
import { ensureDebianPackages } from './debian-packages.ts';

const root = path.dirname(import.meta.dirname);
const DEMO = 'test/system/demo.test.ts';

const run = (...args: readonly string[]): Step['command'] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  ...args,
];
const script = (name: string, ...args: readonly string[]) => run(path.join(root, 'scripts', name), ...args);
const tool = (name: string, ...args: readonly string[]) => run(path.join(root, 'node_modules/.bin', name), ...args);
const tests = (project: string, ...args: readonly string[]) => tool('vitest', 'run', '--project', project, ...args);
const step = (name: string, kind: StepKind, command: Step['command']): Step => ({ name, kind, command });

/** What several of the others would build at the same time. */
const BUILT_FIRST: readonly Step[] = [
  step('dashboard', 'compute', script('build-dashboard.ts')),
  step('command line', 'compute', script('build-cli.ts')),
];

/** What takes longest comes first, after what is told at once. */
const STEPS: readonly Step[] = [
  step('type check', 'compute', tool('tsc', '-p', root)),
  step('type check of the dashboard', 'compute', tool('tsc', '-p', path.join(root, 'control-plane/dashboard'))),
  step('lint', 'compute', tool('biome', 'check', '--error-on-warnings', root)),
  step('tidy', 'compute', script('tidy.ts')),
  step('models', 'compute', script('models/verify.ts')),
  step('unit and contract tests', 'compute', tests('unit')),
  step('simulation', 'compute', tests('simulation')),
  step('system tests', 'wait', tests('system', '--exclude', DEMO)),
  step('process tests', 'wait', tests('process')),
  step('demo', 'wait', tests('system', DEMO)),
  step('fault tests', 'wait', script('test-faults.ts', '--short')),
  step('browser tests', 'wait', tests('browser')),
];

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    process.exitCode = 128 + constants.signals[name];
    stopping.abort();
  });

/** The steps of these names; all when none is given. Throws on a name that no step has. */
function chosen(names: readonly string[]): readonly Step[] {
  const unknown = names.filter((name) => !STEPS.some((one) => one.name === name));
  if (unknown.length > 0)
    throw new Error(`no step "${unknown.join('", "')}"; there are: ${STEPS.map(({ name }) => name).join(', ')}`);
  return STEPS.filter(({ name }) => names.length === 0 || names.includes(name));
}

async function check(): Promise<readonly string[]> {
  const { values, positionals } = parseArgs({
    options: { only: { type: 'string', multiple: true, default: [] } },
    allowPositionals: true,
  });
  const steps = chosen([...values.only, ...positionals]);
  if (!ensureDebianPackages()) return ['Debian packages'];
  const parts = { cwd: root, say: (text: string) => void process.stdout.write(text), signal: stopping.signal };
  const built = await runInLanes(BUILT_FIRST, ['compute'], parts);
  const lanes: readonly StepKind[] = availableParallelism() > 1 ? ['compute', 'wait'] : ['compute'];
  return [...built, ...(await runInLanes(steps, lanes, parts))];
}

const startedAtMs = performance.now();
const failed = await check();
const took = `${((performance.now() - startedAtMs) / 60_000).toFixed(1)} min`;
process.stdout.write(
  failed.length === 0 ? `\nall checks passed in ${took}\n` : `\nfailed: ${failed.join(', ')} (${took})\n`,
);
process.exitCode ??= failed.length === 0 ? 0 : 1;
