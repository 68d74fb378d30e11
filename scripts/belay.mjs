#!/usr/bin/env node
// The `belay` command: hands over to the bootstrap, which brings packages and Node 24.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const args = [path.join(here, 'bootstrap.mjs'), 'control-plane/cli/belay.ts', ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
