// The conformance test tested: our runner and one in another language hold every rule, and a runner that breaks a rule is
// found out by that very rule.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OWN_RUNNER } from '../../../agent/inference/runner-program.ts';
import { checkRunner } from '../../../scripts/conformance/check-runner.ts';
import { rules } from '../../../scripts/conformance/rules.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../../fixtures/runner/mean_colour_runner.py');
const CLI = path.resolve(import.meta.dirname, '../../../scripts/runner-conformance.ts');
const PROTOCOL_TEXT = path.resolve(import.meta.dirname, '../../../agent/inference/PROTOCOL.md');
const SLOW_MS = 120_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'belay-conformance-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The runner in Python with one line of it made wrong. */
function brokenRunner(name: string, from: string, to: string): readonly string[] {
  const source = readFileSync(FIXTURE, 'utf8');
  expect(source).toContain(from);
  const file = path.join(folder, `${name}.py`);
  writeFileSync(file, source.replace(from, to));
  return ['python3', file];
}

describe('runners that keep the protocol', () => {
  it.each([
    ['ours', OWN_RUNNER],
    ['one in another language', ['python3', FIXTURE]],
  ])(
    '%s',
    async (_name, command) => {
      const verdicts = await checkRunner({ command, releaseDir: null });
      expect(verdicts.filter((verdict) => !verdict.holds)).toEqual([]);
      expect(verdicts.length).toBeGreaterThan(20);
    },
    SLOW_MS,
  );
});

const BREAKS: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['ready', "say(stream, runner['ready'])", "say(stream, runner['ready']); say(stream, runner['ready'])"],
  ['ready-digest', "'modelSha256': digest", "'modelSha256': '0' * 64"],
  ['unknown-fields', 'frame_bytes = 1\n', "frame_bytes = 1\n    assert 'alsoFromTheFuture' not in hello\n"],
  ['foreign-protocol', "hello.get('protocol') != PROTOCOL or ", ''],
  ['bad-hello', " or 'manifest' not in hello", ''],
  ['wrong-digest', "if digest != model['sha256']:", 'if False:'],
  ['missing-file', "raise Refusal('load-failed'", "raise Refusal('wrong-digest'"],
  ['ring-size', "if ring['frameBytes'] != frame_bytes:", 'if False:'],
  ['provider-told', "{'asked': asked, 'used': 'cpu'}", "{'asked': asked, 'used': 'tensorrt'}"],
  ['provider-refused', "if asked != 'cpu' and not runtime['allowCpuFallback']:", 'if False:'],
  ['provider-fallback', " and not runtime['allowCpuFallback']", ''],
  ['answers', "'type': 'result',\n        'seq': seq,", "'type': 'result',\n        'seq': seq + 1,"],
  ['pixels', "slot * runner['bytes'])", '0)'],
  ['pixels', 'picture[channel::3]) / len', 'picture[2 - channel::3]) / len'],
  ['task', "'task': 'classification', 'classes': classes", "'task': 'ocr', 'text': '', 'score': 1, 'accepted': False"],
  ['times', "'runMs': (ran - read) * 1000", "'runMs': 1e6"],
  ['seq-range', "struct.unpack('<II', body)", "struct.unpack('<Ii', body)"],
  ['framing', 'len(pending) < 4 + ', 'len(pending) < 3 + '],
  ['bad-slot', "if slot >= runner['slots']:", 'if False:'],
  ['ring-untouched', 'os.O_RDONLY', 'os.O_RDWR'],
  ['drain-idle', "elif json.loads(body)['type'] == 'drain':\n            return", 'else:\n            sys.exit(3)'],
  [
    'drain-busy',
    '        if kind == BINARY_KIND:',
    '        if kind == BINARY_KIND and body[4] > 1:\n            pass\n        elif kind == BINARY_KIND:',
  ],
  ['end-of-stream', "if chunk == b'':\n                return", "if chunk == b'':\n                time.sleep(30)"],
];

describe('a runner that breaks the protocol', () => {
  it.each(BREAKS.map(([rule, from, to], at) => [rule, from, to, at] as const))(
    '%s: %s',
    async (rule, from, to, at) => {
      const command = brokenRunner(`broken-${at}`, from, to);
      const [verdict] = await checkRunner({ command, releaseDir: null, only: [rule] });
      expect(verdict).toMatchObject({ rule, holds: false });
      expect(verdict?.seen).not.toMatch(/could not be checked/);
    },
    SLOW_MS,
  );
});

describe('the rules', () => {
  const ids = rules.map(({ id }) => id);

  it('have each a runner here that breaks it', () => {
    expect(ids.filter((id) => !BREAKS.some(([broken]) => broken === id))).toEqual([]);
  });

  it('stand each in PROTOCOL.md, and no other', () => {
    const text = readFileSync(PROTOCOL_TEXT, 'utf8');
    const named = [...text.matchAll(/\[([a-z]+(?:-[a-z]+)*(?:, [a-z]+(?:-[a-z]+)*)*)\](?!\()/g)].flatMap(
      ([, list]) => list?.split(', ') ?? [],
    );
    expect([...new Set(named)].sort()).toEqual([...ids].sort());
  });
});

describe('the command', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout: SLOW_MS });

  it('prints a line per rule and tells by its exit code that one is broken', () => {
    const { status, stdout } = run('--command', `python3 "${brokenRunner('for-cli', 'os.O_RDONLY', 'os.O_RDWR')[1]}"`);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^pass {2}ready /m);
    expect(stdout).toMatch(/^FAIL {2}ring-untouched .*\n +it holds the ring open for writing$/m);
    expect(stdout).toMatch(/^(\d+) of \d+ rules hold$/m);
  });

  it('says what is wrong with its use', () => {
    expect(run('--comand', 'x').status).toBe(2);
    expect(run('--command', '').status).toBe(2);
    expect(run('--command', '/nowhere/runner')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/^the runner cannot be started: .*\/nowhere\/runner.*--command/),
    });
    expect(run('--release', '/nowhere')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^reading \/nowhere\/manifest\.json: .*--release/),
    });
    writeFileSync(path.join(folder, 'manifest.json'), '{}');
    const { status, stderr } = run('--release', folder);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^reading .*manifest\.json: schema: .*--release/);
  });
});
