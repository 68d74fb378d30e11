// The first command on a fresh machine: an older Node, no packages, an npm that fails. Always run on a copy of the bootstrap in
// a temp folder, so that no packages of this checkout are ever touched.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './world.ts';

const BUNDLED = `node-${process.platform}-${process.arch}`;
/** A Node below 24 from PATH; where there is none, this one saying that it is: the bootstrap asks nothing else of it. */
const PRETENDED =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})';
const OLDER = olderNode() ?? [process.execPath, '--import', PRETENDED];

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'belay-bootstrap-'));
  children = [];
  await mkdir(path.join(folder, 'scripts'));
  await copyFile(path.join(ROOT, 'scripts/bootstrap.mjs'), path.join(folder, 'scripts/bootstrap.mjs'));
  await writeFile(path.join(folder, 'package-lock.json'), '{}');
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

describe('node scripts/bootstrap.mjs, with packages', () => {
  beforeEach(install);

  it('runs the program with the Node that the project brings', async () => {
    await program('console.log(process.versions.node, process.argv[2]);');
    const { code, stdout } = await run(OLDER, ['program.ts', '--flag']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^24\.\d+\.\d+ --flag\n$/);
  });

  it('says which Node is needed where the project brings none', async () => {
    await rm(path.join(folder, 'node_modules', BUNDLED));
    await program('');
    const { code, stderr } = await run(OLDER, ['program.ts']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^belay: needs Node 24, this is v\d+.*brings none for .*Install Node 24 and try again\.\n$/);
  });

  it('says so when npm has left that Node out, and installs anew the next time', async () => {
    const lockfile = JSON.stringify({ packages: { [`node_modules/${BUNDLED}`]: {} } }, null, 2);
    await writeFile(path.join(folder, 'package-lock.json'), lockfile);
    const stamp = path.join(folder, 'node_modules', '.belay-installed');
    await writeFile(stamp, createHash('sha256').update(lockfile).digest('hex'));
    await rm(path.join(folder, 'node_modules', BUNDLED));
    await program('');
    const { code, stderr } = await run(OLDER, ['program.ts']);
    expect(code).toBe(1);
    expect(stderr).toContain(`npm has left out the package ${BUNDLED} that brings it`);
    expect(existsSync(stamp)).toBe(false);
  });

  it('hands on the exit code', async () => {
    await program('process.exit(7);');
    expect((await run(process.execPath, ['program.ts'])).code).toBe(7);
  });

  it('says 128 and the signal when the program was killed', async () => {
    await program("process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);");
    expect((await run(process.execPath, ['program.ts'])).code).toBe(137);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('forwards %s and waits for the program to end', async (signal) => {
    await program(
      `process.on('${signal}', () => { console.log('ending'); process.exit(3); }); console.log('up'); setInterval(() => {}, 1000);`,
    );
    const running = start(process.execPath, ['program.ts']);
    await once(running.child.stdout ?? running.child, 'data');
    running.child.kill(signal);
    expect(await running.ended).toMatchObject({ code: 3, stdout: 'up\nending\n' });
  });

  it('says how it is used', async () => {
    expect(await run(process.execPath, [])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^belay: usage: /),
    });
    expect(await run(process.execPath, ['--bin', 'nothing-like-it'])).toMatchObject({
      code: 1,
      stderr: 'belay: no tool "nothing-like-it" among the installed packages\n',
    });
  });
});

describe('node scripts/bootstrap.mjs, without packages', () => {
  it('says that npm has failed, and what must be there', async () => {
    await npm('echo "npm error network" >&2; exit 7');
    const { code, stderr } = await run(process.execPath, ['program.ts'], { PATH: path.join(folder, 'bin') });
    expect(code).toBe(1);
    expect(stderr).toContain('npm error network\n');
    expect(stderr).toContain(
      'belay: "npm ci" failed 2 times (exit 7); its own message is above. The npm registry must be reachable.\n',
    );
  });

  it('tries again when npm has failed', async () => {
    await npm(
      `test -e "${folder}/failed" && mkdir -p "${folder}/node_modules" && exit 0; : > "${folder}/failed"; exit 1`,
    );
    await program("console.log('up')");
    const bin = { PATH: `${path.join(folder, 'bin')}${path.delimiter}/usr/bin${path.delimiter}/bin` };
    const { code, stdout, stderr } = await run(process.execPath, ['program.ts'], bin);
    expect([code, stdout]).toEqual([0, 'up\n']);
    expect(stderr).toContain('belay: "npm ci" failed (exit 1); trying once more …');
  });

  it('says that there is no npm', async () => {
    const { code, stderr } = await run(process.execPath, ['program.ts'], { PATH: path.join(folder, 'nothing') });
    expect(code).toBe(1);
    expect(stderr).toMatch(/belay: cannot run npm: .*ENOENT.*Install Node\.js with npm 10 or newer/);
  });

  it('installs once from the lockfile, without install scripts, and again when the lockfile has changed', async () => {
    await npm(`echo "$*" >> "${folder}/calls"; mkdir -p "${folder}/node_modules"`);
    await program('');
    const bin = { PATH: `${path.join(folder, 'bin')}${path.delimiter}/usr/bin${path.delimiter}/bin` };
    for (const lockfile of ['{}', '{}', '{"changed":true}']) {
      await writeFile(path.join(folder, 'package-lock.json'), lockfile);
      expect((await run(process.execPath, ['program.ts'], bin)).code).toBe(0);
    }
    const calls = (await readFile(path.join(folder, 'calls'), 'utf8')).trim().split('\n');
    expect(calls).toHaveLength(2);
    expect(calls[0]).toMatch(/^ci --ignore-scripts /);
  });
});

/** As after `npm ci`: the stamp fits the lockfile, and the bundled Node is there. */
async function install(): Promise<void> {
  const modules = path.join(folder, 'node_modules');
  await mkdir(modules);
  await symlink(path.join(ROOT, 'node_modules', BUNDLED), path.join(modules, BUNDLED));
  await writeFile(path.join(modules, '.belay-installed'), createHash('sha256').update('{}').digest('hex'));
}

async function program(text: string): Promise<void> {
  await writeFile(path.join(folder, 'program.ts'), text);
}

async function npm(script: string): Promise<void> {
  const file = path.join(folder, 'bin/npm');
  await mkdir(path.dirname(file));
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function run(
  node: string | readonly string[],
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return start(node, args, environment).ended;
}

function start(node: string | readonly string[], args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const bootstrap = path.join(folder, 'scripts/bootstrap.mjs');
  const [binary = '', ...options] = typeof node === 'string' ? [node] : node;
  const child = spawn(binary, [...options, bootstrap, ...args], { env: { ...process.env, ...environment } });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
  return { child, ended };
}

/** A Node below 24 on PATH; null when this machine has none. */
function olderNode(): string | null {
  const places = (process.env.PATH ?? '').split(path.delimiter).map((place) => path.join(place, 'node'));
  const isOlder = (node: string): boolean => {
    try {
      return Number(/^v(\d+)/.exec(execFileSync(node, ['--version'], { encoding: 'utf8' }))?.[1]) < 24;
    } catch {
      return false;
    }
  };
  return places.find(isOlder) ?? null;
}
