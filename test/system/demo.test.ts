// `npm run demo -- --once` as a stranger runs it: every act ends as told, and afterwards nothing of it is left running, in
// shared memory, or anywhere outside the folder that it was given.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ROOT } from './world.ts';

const DEADLINE_MS = 600_000;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'belay-demo-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

it('npm run demo -- --once tells its story and leaves nothing behind', { timeout: DEADLINE_MS }, async () => {
  const [stage, temporary] = [path.join(folder, 'stage'), path.join(folder, 'tmp')];
  await mkdir(temporary);
  const child = spawn(process.execPath, [path.join(ROOT, 'scripts/demo.ts'), '--once', '--folder', stage], {
    env: { ...process.env, TMPDIR: temporary, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      said += chunk;
    });
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(DEADLINE_MS - 10_000) }).finally(() => {
    child.kill('SIGTERM'); // It ends its own children; without effect when it has ended.
  });
  expect(code, said).toBe(0);
  const table = said.slice(said.indexOf('What happened'));
  expect(table.match(/ as told /g), table).toHaveLength(4);
  expect(table).not.toContain('NOT AS TOLD');

  const rings = `/dev/shm/belay-fleet-${child.pid}`;
  expect(processesWith([folder, rings])).toEqual([]);
  expect(existsSync(rings)).toBe(false);
  expect(await readdir(temporary)).toEqual([]);
});

/** Processes that were started with one of these paths, stand in one, or have a file below one open. */
function processesWith(places: readonly string[]): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((name) => {
      try {
        const open = readdirSync(`/proc/${name}/fd`).map((fd) => readlinkSync(`/proc/${name}/fd/${fd}`));
        const text = [
          readFileSync(`/proc/${name}/cmdline`, 'utf8'),
          readFileSync(`/proc/${name}/environ`, 'utf8'),
          ...open,
        ].join('\n');
        return places.some((place) => text.includes(place));
      } catch {
        return false; // It has ended meanwhile.
      }
    });
}
