// `npm test`: Debian packages, type check, lint, tidy, unit and contract tests, process tests, simulation, system tests, browser tests, fault tests. Stops at nothing, fails at the end.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureDebianPackages } from './debian-packages.ts';

const root = path.dirname(import.meta.dirname);
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);

type Step = { readonly name: string; readonly command: readonly string[] };

const STEPS: readonly Step[] = [
  { name: 'type check', command: [bin('tsc'), '-p', root] },
  { name: 'type check of the dashboard', command: [bin('tsc'), '-p', path.join(root, 'control-plane/dashboard')] },
  { name: 'dashboard', command: [path.join(root, 'scripts/build-dashboard.ts')] },
  { name: 'lint', command: [bin('biome'), 'check', '--error-on-warnings', root] },
  { name: 'tidy', command: [path.join(root, 'scripts/tidy.ts')] },
  { name: 'models', command: [path.join(root, 'scripts/models/verify.ts')] },
  { name: 'unit and contract tests', command: [bin('vitest'), 'run', '--project', 'unit'] },
  { name: 'process tests', command: [bin('vitest'), 'run', '--project', 'process'] },
  { name: 'simulation', command: [bin('vitest'), 'run', '--project', 'simulation'] },
  { name: 'system tests', command: [bin('vitest'), 'run', '--project', 'system'] },
  { name: 'browser tests', command: [bin('vitest'), 'run', '--project', 'browser'] },
  { name: 'fault tests', command: [path.join(root, 'scripts/test-faults.ts'), '--short'] },
];

const seconds = (fromMs: number): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`;

function runStep(step: Step): boolean {
  process.stdout.write(`\n── ${step.name} ──\n`);
  const startedAtMs = performance.now();
  const { status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...step.command], {
    cwd: root,
    stdio: 'inherit',
  });
  process.stdout.write(`── ${step.name}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds(startedAtMs)} ──\n`);
  return status === 0;
}

const ready = ensureDebianPackages();
const failed = ready ? STEPS.filter((step) => !runStep(step)).map((step) => step.name) : ['Debian packages'];
process.stdout.write(failed.length === 0 ? '\nall checks passed\n' : `\nfailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
