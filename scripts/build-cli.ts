// `npm run cli:build`: the command line as one small file and a few that are loaded when needed. `belay` uses it while it is newer than its sources.
import { globSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';

const root = path.dirname(import.meta.dirname);
/** As deep as its sources' folder for local commands: both find the project three folders up. */
export const CLI_BUNDLE = path.join(root, 'control-plane/cli/dist/belay.js');

const CORE = /\/node_modules\/commander\/|\/cli\/(?:commands|open-program|default-url)\.ts$|\/commands\/about\.ts$/;

/** Commander loads it for sub-commands that are programs of their own; Belay has none, and it is a fifth of the start. */
const withoutProcesses: Plugin = {
  name: 'without-processes',
  enforce: 'pre',
  transform(code, id) {
    if (!/\/node_modules\/commander\/lib\/command\.js$/.test(id)) return null;
    const IMPORT = /^import childProcess from 'node:child_process';$/m;
    if (!IMPORT.test(code)) throw new Error('commander loads node:child_process in another way than this build knows');
    return { code: code.replace(IMPORT, 'const childProcess = {};'), map: null };
  },
};

/** Throws when the build fails. */
export async function buildCli(): Promise<void> {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: path.join(root, 'control-plane/cli/belay.ts'),
      outDir: path.dirname(CLI_BUNDLE),
      emptyOutDir: true,
      target: 'node24',
      minify: true,
      rolldownOptions: {
        output: {
          format: 'es',
          entryFileNames: 'belay.js',
          chunkFileNames: '[name]-[hash].js',
          // What every start needs is one file: each further one costs a look at the disk.
          codeSplitting: { groups: [{ name: 'core', test: CORE }] },
        },
      },
    },
    plugins: [withoutProcesses],
  });
}

/** Built after the last change of its sources, as far as their times tell. */
export function isCliBuilt(): boolean {
  const builtMs = statSync(CLI_BUNDLE, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync(['control-plane/cli/**/*.ts', 'shared/**/*.ts', 'package-lock.json'], { cwd: root });
  return sources.every((file) => statSync(path.join(root, file)).mtimeMs <= builtMs);
}

if (import.meta.main) {
  const startedAtMs = performance.now();
  await buildCli();
  process.stdout.write(`command line built in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s\n`);
}
