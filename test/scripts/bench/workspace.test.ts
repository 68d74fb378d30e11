// A workspace clears up after success, failure and signals.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withWorkspace } from '../../../scripts/bench/workspace.ts';
import { until } from '../../../scripts/fleet/fleet.ts';
import { startProgram } from '../../../scripts/fleet/program.ts';

const logFolder = mkdtempSync(path.join(tmpdir(), 'belay-test-'));
afterAll(() => rmSync(logFolder, { recursive: true }));

describe('withWorkspace', () => {
  it('gives two folders, clears them last, and what was deferred in the opposite order', async () => {
    const said: string[] = [];
    const folders = await withWorkspace(async ({ folder, ringFolder, defer }) => {
      writeFileSync(path.join(folder, 'a-file'), 'full');
      for (const name of ['first', 'second']) defer(() => void said.push(`${name}, folder ${existsSync(folder)}`));
      return [folder, ringFolder];
    });
    expect(said).toEqual(['second, folder true', 'first, folder true']);
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
    expect(folders[1]).toMatch(/^\/dev\/shm\//);
  });

  it('clears after a failure too, and hands the failure on', async () => {
    let folder = '';
    const failing = withWorkspace(async (workspace) => {
      folder = workspace.folder;
      throw new Error('no frame came');
    });
    await expect(failing).rejects.toThrow('no frame came');
    expect(folder).not.toBe('');
    expect(existsSync(folder)).toBe(false);
  });

  it('waits for work that must not be cut off before it clears', async () => {
    const work = Promise.withResolvers<void>();
    let isCleared = false;
    const failing = withWorkspace(async ({ defer, hold }) => {
      defer(() => {
        isCleared = true;
      });
      void hold(work.promise);
      throw new Error('no frame came');
    });
    const ended = failing.catch(() => 'failed');
    await new Promise((resolve) => setImmediate(resolve));
    expect(isCleared).toBe(false);
    work.resolve();
    expect(await ended).toBe('failed');
    expect(isCleared).toBe(true);
  });

  it('leaves the signals of the process as they were', async () => {
    const before = process.listenerCount('SIGINT');
    await withWorkspace(async () => expect(process.listenerCount('SIGINT')).toBe(before + 1));
    expect(process.listenerCount('SIGINT')).toBe(before);
  });

  it('clears on Ctrl-C, after held work, and exits as shells expect', async () => {
    const lines: unknown[] = [];
    const program = startProgram({
      name: 'interrupted',
      entry: 'test/scripts/bench/programs/interrupted.ts',
      args: [],
      logFolder,
      onLine: (line) => lines.push(JSON.parse(line)),
    });
    expect(await until(() => lines.length > 0, 15_000, 10)).toBe(true);
    const folders = lines[0] as string[];
    expect(folders.every((folder) => existsSync(folder))).toBe(true);
    program.kill('SIGINT');
    expect(await program.ended).toBe('exit 130');
    expect(await until(() => lines.length === 3, 2000, 10)).toBe(true);
    expect(lines.slice(1)).toEqual(['held work has ended', 'deferred']);
    expect(folders.some((folder) => existsSync(folder))).toBe(false);
  }, 30_000);
});
