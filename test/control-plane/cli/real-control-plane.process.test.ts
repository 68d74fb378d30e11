// The command line against the real control plane: what it sends is understood, and what comes back is shown.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { type PackageOptions, tinyPackage } from '../../builders/tiny-package.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';
import { runBelay } from './run-belay.ts';

let bench: PlaneBench;
let root = '';
let device: TestDevice;

beforeAll(async () => {
  bench = await openPlaneBench();
  root = await mkdtemp(path.join(tmpdir(), 'belay-cli-'));
});
afterAll(async () => {
  await bench?.close();
  await rm(root, { recursive: true, force: true });
});

const belay = (...args: string[]) => runBelay(args, { url: bench.plane.httpUrl });

async function writePackage(name: string, options: PackageOptions): Promise<string> {
  const { manifest, parsed, artifacts } = tinyPackage(options);
  const folder = path.join(root, name);
  await mkdir(path.join(folder, 'golden'), { recursive: true });
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  for (const file of parsed.files)
    await writeFile(path.join(folder, file.path), artifacts.get(file.sha256) ?? new Uint8Array());
  return folder;
}

describe('a fresh control plane', () => {
  it('has nothing, and says what to do next', async () => {
    const { code, stdout } = await belay('status');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain('0 of 0 devices online');
    expect(stdout).toContain('Next: belay device credentials SITE/DEVICE');
    expect((await belay('release', 'list')).stdout).toContain('Next: belay release add FOLDER');
    expect((await belay('kills')).stdout).toBe('No kill was ever raised.\n');
  });
});

describe('releases', () => {
  it('are checked, added once, found again by a short name', async () => {
    const folder = await writePackage('1.0.0', {});
    const check = await belay('release', 'check', folder);
    expect([check.code, check.stdout]).toEqual([EXIT.ok, expect.stringContaining('  ok    operators')]);
    const add = await belay('release', 'add', folder);
    expect([add.code, add.stdout]).toEqual([
      EXIT.ok,
      expect.stringMatching(/^registered tiny-detector:1\.0\.0\+data=/),
    ]);
    expect(add.stderr).toBe('');
    const again = await belay('release', 'add', folder);
    expect([again.code, again.stdout]).toEqual([EXIT.ok, expect.stringMatching(/^already registered: tiny-detector/)]);
    const get = await belay('release', 'get', 'tiny-detector:1.0.0');
    expect(get.stdout).toMatch(/lead: /);
    expect((await belay('release', 'list', '--name', 'tiny-detector')).stdout).toContain(
      'tiny-detector:1.0.0+data=test0',
    );
  });

  it('that are unknown are exit code 3', async () => {
    const { code, stderr } = await belay('release', 'get', 'tiny-detector:9.0.0');
    expect([code, stderr]).toEqual([EXIT.notFound, expect.stringContaining('tiny-detector:9.0.0')]);
  });

  it('under a number that is taken are exit code 5', async () => {
    const folder = await writePackage('taken', {
      change: (manifest) => Object.assign(manifest, { owner: 'other team' }),
    });
    const { code, stderr } = await belay('release', 'add', folder);
    expect([code, stderr]).toEqual([EXIT.conflict, expect.stringContaining('Next: Releases are immutable')]);
  });

  it('with a model that could hang are refused with the operator named', async () => {
    const folder = await writePackage('hang', { version: '1.0.1', variant: 'hang' });
    const check = await belay('release', 'check', folder);
    expect([check.code, check.stdout]).toEqual([EXIT.failed, expect.stringMatching(/FAIL {2}operators.*Loop/)]);
    const add = await belay('release', 'add', folder);
    expect([add.code, add.stderr]).toEqual([EXIT.usage, expect.stringContaining('Loop')]);
  });
});

describe('a device', () => {
  it('gets credentials that let it in, and is then listed and explained', async () => {
    const credentials = await belay('device', 'credentials', 'plant-a/cam-a1');
    expect(JSON.parse(credentials.stdout)).toMatchObject({ site: 'plant-a', device: 'cam-a1' });
    device = await bench.connect('plant-a', 'cam-a1');
    await device.hello();
    await device.report();
    await expect.poll(async () => (await bench.get('/v1/devices')).body.devices, { timeout: 5000 }).toHaveLength(1);
    expect((await belay('device', 'list')).stdout).toMatch(/^plant-a\/cam-a1 {2}online {2}baseline/m);
    expect(JSON.parse((await belay('device', 'get', 'plant-a/cam-a1')).stdout).boot).toBe(device.boot);
    const explain = await belay('device', 'explain', 'plant-a/cam-a1');
    expect(explain.code).toBe(EXIT.ok);
    expect(explain.stdout.split('\n')[0]).not.toBe('');
    expect((await belay('status')).stdout).toContain('1 of 1 devices online');
  });

  it('that was never seen is exit code 3; a name that cannot be one is exit code 2', async () => {
    expect((await belay('device', 'get', 'plant-a/cam-x9')).code).toBe(EXIT.notFound);
    expect((await belay('device', 'get', 'plant-a/CAM')).code).toBe(EXIT.usage);
  });
});

describe('a kill', () => {
  let id = '';

  it('names the device that does not answer, and ends with 7', async () => {
    const { code, stdout } = await belay('kill', '--all', '--reason', 'drill', '--timeout', '0.3');
    expect(code).toBe(EXIT.timeout);
    expect(stdout).toContain('0 of 1 device answered');
    expect(stdout).toContain('no answer yet: plant-a/cam-a1. Next: belay device explain plant-a/cam-a1');
    id = /belay rearm (\S+)/.exec(stdout)?.[1] ?? '';
    expect((await belay('status')).stdout).toContain(`KILL ${id} in force on the whole fleet`);
  });

  it('ends with 0 as soon as the device obeys', async () => {
    await belay('rearm', id, '--yes', '--reason', 'drill is over');
    const before = device.kills.length;
    const running = belay('kill', '--site', 'plant-a', '--reason', 'drill', '--json');
    await expect
      .poll(() => device.kills.slice(before).find((kill) => kill.document.kills.length > 0), { timeout: 10_000 })
      .toBeTruthy();
    const killEpoch = device.kills.at(-1)?.document.epoch;
    await device.event(1, { kind: 'kill-ack', killEpoch, effectMs: 40, wasServing: false, requestId: 'frame-1' });
    const { code, stdout } = await running;
    expect(code).toBe(EXIT.ok);
    const kill = JSON.parse(stdout);
    expect(kill).toMatchObject({ acknowledged: 1, sent: 1, stragglers: [], actor: 'lead' });
    expect(kill.maxMs).toBeGreaterThan(0);
    id = kill.id;
  });

  it('is over after rearm, and cannot be ended twice', async () => {
    expect((await belay('rearm', id, '--yes', '--reason', 'drill is over')).code).toBe(EXIT.ok);
    expect((await belay('rearm', id, '--yes', '--reason', 'again')).code).toBe(EXIT.conflict);
    expect((await belay('rearm', 'k-none', '--yes', '--reason', 'x')).code).toBe(EXIT.notFound);
    expect((await belay('kills')).stdout).not.toContain('in force');
  });

  it('of a release that nobody knows is exit code 3', async () => {
    expect((await belay('kill', '--release', 'tiny-detector:9.0.0', '--reason', 'x')).code).toBe(EXIT.notFound);
  });
});

describe('a device out of service', () => {
  const said = ['--reason', 'new lens'];

  it('is drained at once, shown as such, and comes back only with a yes', async () => {
    const tried = await belay('device', 'drain', 'plant-a/cam-a1', ...said, '--dry-run');
    expect([tried.code, tried.stdout]).toEqual([EXIT.ok, expect.stringContaining('Would drain plant-a/cam-a1')]);
    const drain = await belay('device', 'drain', 'plant-a/cam-a1', ...said);
    expect([drain.code, drain.stdout]).toEqual([EXIT.ok, expect.stringContaining('was drained by lead: new lens')]);
    expect((await belay('device', 'list')).stdout).toMatch(/^plant-a\/cam-a1 {2}online, drained/m);
    const unasked = await belay('device', 'undrain', 'plant-a/cam-a1', ...said);
    expect([unasked.code, unasked.stderr]).toEqual([EXIT.usage, expect.stringContaining('Next: add --yes')]);
    expect((await belay('device', 'undrain', 'plant-a/cam-a1', ...said, '-y')).code).toBe(EXIT.ok);
    expect((await belay('device', 'undrain', 'plant-a/cam-a1', ...said, '-y')).code).toBe(EXIT.conflict);
  });

  it('is not pinned to what it has not proven, nor retired while it reports', async () => {
    const pin = await belay('device', 'pin', 'plant-a/cam-a1', 'tiny-detector:1.0.0', ...said, '-y');
    expect([pin.code, pin.stderr]).toEqual([EXIT.conflict, expect.stringContaining('has not reported what it runs')]);
    const retire = await belay('device', 'retire', 'plant-a/cam-a1', ...said, '-y');
    expect([retire.code, retire.stderr]).toEqual([EXIT.conflict, expect.stringContaining('stop its agent first')]);
  });
});

describe('a webhook', () => {
  it('is not made by a dry run, and once only under a key', async () => {
    const add = ['webhook', 'add', 'https://chat.example.com/hooks/7', '--reason', 'on call', '--json'];
    const tried = await belay(...add, '--dry-run');
    expect(JSON.parse(tried.stdout)).toMatchObject({ dryRun: true, request: { path: '/v1/webhooks' } });
    const keyed = [...add, '--idempotency-key', 'hook-7'];
    expect((await belay(...keyed)).code).toBe(EXIT.ok);
    const again = await belay(...keyed);
    expect([again.code, again.stderr]).toEqual([EXIT.conflict, expect.stringContaining('its answer is shown once')]);
    expect(((await bench.get('/v1/webhooks')).body.webhooks as unknown[]).length).toBe(1);
  });
});

describe('the audit', () => {
  it('is listed by subject and by who acted, with reasons', async () => {
    const { code, stdout } = await belay(
      'audit',
      'list',
      '--subject',
      'device/plant-a',
      '--by',
      'lead',
      '--from',
      '1h',
    );
    expect(code).toBe(EXIT.ok);
    const actions = stdout
      .split('\n')
      .flatMap((line) => / {2}lead {2}(\S+) device\/plant-a\/cam-a1: new lens$/.exec(line)?.[1] ?? []);
    expect(actions).toEqual(['device-undrained', 'device-drained']);
    expect((await belay('audit', 'list', '--action', 'no-such')).stdout).toBe('Nothing of that kind is on record.\n');
    expect((await belay('audit', 'list', '--from', 'soon')).code).toBe(EXIT.usage);
  });

  it('is exported whole, and its head is an anchor that holds until somebody writes it anew', async () => {
    const out = path.join(root, 'audit.ndjson');
    const exported = await belay('audit', 'export', '-o', out);
    expect([exported.code, exported.stdout]).toEqual([EXIT.ok, expect.stringMatching(/audit\.ndjson: \d+ rows$/m)]);
    const lines = (await readFile(out, 'utf8')).trimEnd().split('\n');
    expect((await belay('audit', 'export')).stdout.split('\n').length).toBeGreaterThanOrEqual(lines.length);
    const verified = await belay('audit', 'verify', '--json');
    const check = JSON.parse(verified.stdout);
    expect([verified.code, check.kind]).toEqual([EXIT.ok, 'intact']);
    expect(check.rows).toBe(lines.length - 1);
    const head = `${check.rows}:${check.head}`;
    expect(lines.at(-1)).toContain(check.head);
    const held = await belay('audit', 'verify', '--anchor', head);
    expect([held.code, held.stdout]).toEqual([EXIT.ok, expect.stringContaining('and it contains the anchor')]);
    const other = await belay('audit', 'verify', '--anchor', `${check.rows}:${'0'.repeat(64)}`);
    expect([other.code, other.stdout]).toEqual([EXIT.failed, expect.stringContaining('The audit is BROKEN at row')]);
    expect((await belay('audit', 'verify', '--anchor', 'x')).code).toBe(EXIT.usage);
  });
});
