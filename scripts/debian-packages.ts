// Debian packages that the tests need: installed when we are root and they are missing, named and refused when we are not.
import { spawnSync } from 'node:child_process';

/** Tool on PATH → Debian package that brings it, with the test that needs it. */
const NEEDED: readonly { readonly tool: string; readonly debianPackage: string; readonly why: string }[] = [
  { tool: 'git', debianPackage: 'git', why: 'tidy lists the tracked files with it' },
  { tool: 'python3', debianPackage: 'python3', why: 'the runner protocol is tested on a runner in another language' },
];

function missing(): typeof NEEDED {
  return NEEDED.filter(({ tool }) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).error !== undefined);
}

/** True when every needed tool is there afterwards; otherwise says which is not, and how to install it. */
export function ensureDebianPackages(): boolean {
  const absent = missing();
  if (absent.length === 0) return true;
  const names = absent.map(({ debianPackage }) => debianPackage);
  if (process.getuid?.() === 0) {
    process.stdout.write(`installing Debian packages: ${names.join(' ')} …\n`);
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
      stdio: 'inherit',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const still = missing();
  for (const { tool, debianPackage, why } of still) {
    process.stderr.write(`missing "${tool}" (${why}): run "apt-get install ${debianPackage}" as root and try again\n`);
  }
  return still.length === 0;
}
