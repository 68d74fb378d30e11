// The control plane as a process: starts from a file, ends cleanly when asked, and says in one line why it cannot start.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../control-plane/main.ts');

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-process-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

async function start(config: string | null): Promise<{ child: ChildProcess; output(): string; errors(): string }> {
  const path = join(folder, 'control-plane.yaml');
  if (config !== null) await writeFile(path, config);
  const child = spawn(process.execPath, [MAIN, '--config', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  return { child, output: () => output, errors: () => errors };
}

describe('node control-plane/main.ts', () => {
  it('serves, and ends with 0 on SIGTERM', async () => {
    const { child, output } = await start('dataDir: data\nhttp: {port: 0}\nmqtt: {port: 0}\n');
    await expect.poll(output, { timeout: 15_000 }).toContain('\n');
    const said = JSON.parse(output()) as { ready: boolean; httpUrl: string };
    expect(said.ready).toBe(true);
    expect(await (await fetch(`${said.httpUrl}/v1/health`)).json()).toEqual({ ok: true, problems: [] });
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it.each([
    ['http: {host: 0.0.0.0}\ndataDir: data\n', /http.host 0.0.0.0 is reachable from other machines.*allowRemote/],
    ['dataDir: 7\n', /dataDir: .*expected string/],
    [null, /reading .*control-plane.yaml failed; give --config a JSON or YAML file/],
  ])('says in one line why it cannot start: %j', async (config, expected) => {
    const { child, errors } = await start(config);
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(errors()).toMatch(expected);
    expect(errors().trim().split('\n')).toHaveLength(1); // nothing but the cause and the next step
  });
});
