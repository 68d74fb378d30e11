// The event-loop delay of a program, written by a preload.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import {
  DELAY_PROCESS,
  idleEnvironment,
  takeLoopDelay,
  watchedEnvironment,
} from '../../../scripts/bench/loop-delay.ts';
import { until } from '../../../scripts/fleet/fleet.ts';
import { startProgram } from '../../../scripts/fleet/program.ts';

const BLOCKING = 'test/scripts/bench/programs/blocking.ts';
const WATCHED_MS = 1000;
const folder = mkdtempSync(path.join(tmpdir(), 'belay-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('takeLoopDelay', () => {
  it('sees a process that blocks its event loop, from outside, beside an idle one', async () => {
    const files = { blocking: path.join(folder, 'blocking.json'), idle: path.join(folder, 'idle.json') };
    const env = watchedEnvironment(files.blocking, BLOCKING);
    const blocking = startProgram({ name: 'blocking', entry: BLOCKING, args: [], logFolder: folder, env });
    const idleEnv = idleEnvironment(files.idle);
    const idle = startProgram({ name: 'idle', entry: DELAY_PROCESS, args: [], logFolder: folder, env: idleEnv });
    try {
      const take = () =>
        Promise.all([takeLoopDelay(blocking.pid, files.blocking), takeLoopDelay(idle.pid, files.idle)]);
      await take();
      // The span that is measured, not a wait for something to happen.
      await wait(WATCHED_MS);
      const [seen, floor] = await take();
      expect(seen.p99).toBeGreaterThan(90);
      expect(seen.max).toBeGreaterThanOrEqual(seen.p99);
      expect(floor.p50).toBeLessThan(seen.p99);
    } finally {
      await Promise.all([blocking.stop(), idle.stop()]);
    }
  }, 40_000);

  it('leaves children alone: only the named entry file is watched', async () => {
    const file = path.join(folder, 'other.json');
    const env = watchedEnvironment(file, 'agent/main.ts');
    const lines: string[] = [];
    const onLine = (line: string) => lines.push(line);
    const child = startProgram({ name: 'child', entry: BLOCKING, args: [], logFolder: folder, env, onLine });
    try {
      expect(await until(() => lines.length > 0, 15_000, 10)).toBe(true);
      expect(existsSync(file)).toBe(false);
    } finally {
      await child.stop();
    }
  }, 20_000);
});
