// Completion as a shell does it: real bash with the script of `belay completion bash`, names from a control plane.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { CLI_BUNDLE } from '../../../scripts/build-cli.ts';
import { summary } from './recorded-documents.ts';
import { openRecordedServer, type RecordedServer } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

const run = promisify(execFile);
let server: RecordedServer;
let folder = '';

beforeAll(async () => {
  server = await openRecordedServer();
  const device = { site: 'plant-a', device: 'cam-a1', hardwareClass: 'orin-nx' };
  server.answer({
    'GET /v1/rollouts': { body: { rollouts: [summary({}), summary({ id: 'detector-9' })] } },
    'GET /v1/devices': { body: { devices: [device] } },
    'GET /v1/releases': { body: { releases: [{ id: 'cv-detector:2.0.0+data=3ce470' }] } },
  });
  folder = await mkdtemp(path.join(tmpdir(), 'belay-completion-'));
  const program = path.join(folder, 'belay');
  await writeFile(program, `#!/bin/sh\nexec "${process.execPath}" "${CLI_BUNDLE}" "$@"\n`);
  await chmod(program, 0o755);
  await writeFile(path.join(folder, 'belay.bash'), (await runBelay(['completion', 'bash'])).stdout);
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** What bash offers when TAB is pressed at the end of `line`. */
async function offered(line: string): Promise<readonly string[]> {
  const script = `
    source "${folder}/belay.bash"
    COMP_LINE='${line}' COMP_POINT=${line.length}
    complete -p belay > /dev/null || exit 3
    $(complete -p belay | sed 's/.*-F \\([^ ]*\\).*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = {
    ...process.env,
    PATH: `${folder}:${process.env.PATH}`,
    BELAY_URL: server.url,
    XDG_CONFIG_HOME: path.join(folder, 'config'),
  };
  const { stdout } = await run('bash', ['--norc', '-c', script], { env });
  return stdout
    .split('\n')
    .filter((word) => word !== '')
    .map((word) => word.trim().split(/\s/)[0] ?? '');
}

describe('bash offers', () => {
  it.each([
    { line: 'belay roll', words: ['rollout', 'rollback'] },
    { line: 'belay rollout pro', words: ['promote'] },
    { line: 'belay rollout promote --idem', words: ['--idempotency-key'] },
    { line: 'belay rollout get det', words: ['detector-9'] },
    { line: 'belay device explain ', words: ['plant-a/cam-a1'] },
    { line: 'belay kill --site ', words: ['plant-a'] },
    // What stands before the last ":" or "=" is on the line already.
    { line: 'belay release get cv-detector:2', words: ['2.0.0+data=3ce470'] },
    { line: 'belay release get $(touch>owned)', words: [] },
    { line: 'belay rollout init --preset st', words: ['standard'] },
  ])('$words for "$line"', async ({ line, words }) => {
    // Names come from the control plane, and nobody waits long for them: on a busy machine one presses TAB again.
    await expect.poll(async () => (await offered(line)).toSorted(), { timeout: 30_000 }).toEqual(words.toSorted());
  });
});

/** As zsh calls it for the word that stands last; `_describe` takes what would be offered, with ":" and descriptions as zsh reads them. */
async function offeredByZsh(line: string): Promise<readonly string[]> {
  const words = line.split(' ');
  const script = `
    compdef() { [[ "$*" == '_belay belay' ]] || exit 3 }
    _files() { print -r -- files }
    _describe() { local offer; for offer in "\${(@P)2}"; do print -r -- "\${offer//\\\\:/%}"; done }
    source "${folder}/belay.zsh"
    words=(${words.map((word) => `'${word}'`).join(' ')}) CURRENT=${words.length} PREFIX='${words.at(-1)}'
    _belay`;
  return shownBy('zsh', ['-f', '-c', script], ':', '%');
}

async function offeredByFish(line: string): Promise<readonly string[]> {
  const script = `source "${folder}/belay.fish"; complete -C '${line}'`;
  return shownBy('fish', ['--no-config', '-c', script], '\t', '');
}

/** What stands before the sign that a description follows; `colon` stands for the ":" of a name. */
async function shownBy(
  shell: string,
  args: readonly string[],
  before: string,
  colon: string,
): Promise<readonly string[]> {
  const env = { ...process.env, HOME: folder, PATH: `${folder}:${process.env.PATH}`, BELAY_URL: server.url };
  const { stdout } = await run(shell, args, { env: { ...env, XDG_CONFIG_HOME: path.join(folder, 'config') } });
  const offers = stdout.split('\n').filter((offer) => offer !== '');
  return offers.map((offer) => (offer.split(before)[0] ?? '').replaceAll(colon === '' ? '\0' : colon, ':'));
}

describe.each([
  ['zsh', offeredByZsh],
  ['fish', offeredByFish],
] as const)('%s', (shell, offers) => {
  it('reads the script without a complaint', async () => {
    const { stdout } = await runBelay(['completion', shell]);
    await writeFile(path.join(folder, `belay.${shell}`), stdout);
    await run(shell, ['-n', path.join(folder, `belay.${shell}`)]);
  });

  it.each([
    { line: 'belay rollout pro', words: ['promote'] },
    { line: 'belay device explain ', words: ['plant-a/cam-a1'] },
    { line: 'belay kill --site ', words: ['plant-a'] },
    { line: 'belay release get cv-det', words: ['cv-detector:2.0.0+data=3ce470'] },
  ])('offers $words for "$line"', async ({ line, words }) => {
    expect(await offers(line)).toEqual(words);
  });
});

it('the script for PowerShell asks the same question, and is answered in words and descriptions', async () => {
  const { stdout } = await runBelay(['completion', 'powershell']);
  expect(stdout).toContain("belay complete '--'");
  expect(stdout).toContain("Register-ArgumentCompleter -CommandName 'belay'");
  const answer = await runBelay(['complete', '--', 'device', 'dr'], { url: server.url });
  expect(answer.stdout).toMatch(/^drain\tout of its cohorts.*\n:4\n$/);
});

it('a control plane that is not there costs no error and little time', async () => {
  const { code, stdout, stderr } = await runBelay(['complete', '--', 'rollout', 'get', ''], {
    url: 'http://127.0.0.1:1',
  });
  expect([code, stderr, stdout.trim()]).toEqual([EXIT.ok, '', ':4']);
});

it('there is a script for every shell, and none for another', async () => {
  for (const shell of ['zsh', 'fish', 'powershell'])
    expect((await runBelay(['completion', shell])).stdout).toMatch(/belay/);
  expect((await runBelay(['completion', 'csh'])).code).toBe(EXIT.usage);
});
