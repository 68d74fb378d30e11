#!/usr/bin/env node
// The `belay` command: the built command line in this very process where it is there and newer than its sources, else by the
// bootstrap, which brings packages and Node 24.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR = 24;
const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const built = path.join(root, 'control-plane', 'cli', 'dist', 'belay.js');
/** They start programs that need the packages: the bootstrap sees to those. */
const NEEDS_PACKAGES = ['up', 'demo', 'account'];

function newestIn(folder) {
  let newestMs = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.name.endsWith('.ts') && entry.isFile())
      newestMs = Math.max(newestMs, statSync(path.join(entry.parentPath, entry.name)).mtimeMs);
  return newestMs;
}

/** False also where there is none. Sources change in a checkout only. */
function isFresh() {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) return false;
  const builtMs = statSync(built, { throwIfNoEntry: false })?.mtimeMs;
  if (builtMs === undefined) return false;
  if (!existsSync(path.join(root, '.git'))) return true;
  const sources = ['control-plane/cli', 'shared'].map((name) => path.join(root, name));
  return sources.every((folder) => newestIn(folder) <= builtMs);
}

if (!NEEDS_PACKAGES.includes(process.argv[2]) && isFresh()) {
  enableCompileCache(path.join(root, 'node_modules', '.cache', 'compile'));
  await import(pathToFileURL(built).href);
} else {
  const args = [path.join(here, 'bootstrap.mjs'), 'control-plane/cli/belay.ts', ...process.argv.slice(2)];
  const { spawnSync } = await import('node:child_process');
  process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
}
