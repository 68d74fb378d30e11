// `npm run dashboard:build`: builds the dashboard when one of its sources is newer than what was built. Imported by what starts a control plane.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, 'control-plane/dashboard');
const stampFile = path.join(folder, 'dist', '.built-from');

/** Everything that the build reads: the dashboard, the shapes it shares with the control plane, and the versions of its tools. */
function sourceDigest(): string {
  const sources = globSync(['control-plane/dashboard/**/*', 'shared/**/*.ts', 'package-lock.json'], {
    cwd: root,
    exclude: ({ name }) => name === 'dist' || name === 'node_modules',
    withFileTypes: true,
  }).filter((entry) => entry.isFile());
  const digest = createHash('sha256');
  for (const file of sources.map(({ parentPath, name }) => path.join(parentPath, name)).sort())
    digest.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return digest.digest('hex');
}

/** True when it had to be built. Throws when the build fails. */
export async function buildDashboard(log: (line: string) => void): Promise<boolean> {
  const digest = sourceDigest();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === digest) return false;
  const startedAtMs = performance.now();
  const { build } = await import('vite');
  await build({ configFile: path.join(folder, 'vite.config.ts'), logLevel: 'warn' });
  writeFileSync(stampFile, digest);
  log(`dashboard built in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return true;
}

if (import.meta.main) {
  const built = await buildDashboard((line) => process.stderr.write(`${line}\n`));
  if (!built && !process.argv.includes('--quiet')) process.stdout.write('the dashboard is built already\n');
}
