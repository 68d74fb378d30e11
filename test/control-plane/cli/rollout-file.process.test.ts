// belay rollout init, lint, schema, and --preset: the rollout file as people meet it on the command line.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { rolloutPlanSchema } from '../../../shared/protocol/api-rollouts.ts';
import { plan, rollout } from './recorded-documents.ts';
import { openRecordedServer, type RecordedServer } from './recorded-server.ts';
import { runBelay, tooWide } from './run-belay.ts';

let server: RecordedServer;
let folder = '';

beforeAll(async () => {
  server = await openRecordedServer();
  folder = await mkdtemp(path.join(tmpdir(), 'belay-rollout-file-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const NOWHERE = 'http://127.0.0.1:1';
const offline = (...args: string[]) => runBelay(['rollout', ...args], { url: NOWHERE });
const OWNERS = ['--owner', 'vision-team', '--backup', 'on-call'];

async function save(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}

describe('belay rollout init', () => {
  it('prints a file that lints and that --preset starts word for word', async () => {
    const init = await offline('init', 'weld-seg:1.5.0', '--preset', 'cautious', ...OWNERS);
    expect([init.code, init.stderr]).toEqual([EXIT.ok, '']);
    const file = await save('cautious.yaml', init.stdout);
    expect(await offline('lint', file)).toMatchObject({ code: EXIT.ok, stdout: `${file}: no mistakes\n` });

    server.answer({ 'POST /v1/rollouts': { body: rollout() }, 'POST /v1/rollouts/plan': { body: planned() } });
    const preset = ['weld-seg:1.5.0', '--preset', 'cautious', ...OWNERS];
    expect((await runBelay(['rollout', 'start', '--yes', ...preset], { url: server.url })).stderr).toBe('');
    expect(server.last('POST /v1/rollouts')?.body).toMatchObject({ file: init.stdout });
    expect((await runBelay(['rollout', 'plan', ...preset], { url: server.url })).code).toBe(EXIT.ok);
    expect(server.last('POST /v1/rollouts/plan')?.body).toEqual({ file: init.stdout });
  });

  it('leaves owners open, which lint points at', async () => {
    const init = await offline('init', 'weld-seg:1.5.0');
    const lint = await offline('lint', await save('open.yaml', init.stdout));
    expect(lint.code).toBe(EXIT.usage);
    expect(lint.stdout).toMatch(/mistake {2}\S+open\.yaml:11:21 spec\.owners\.primary: must name a person/);
  });

  it('explains the presets within 80 columns', async () => {
    const { stdout } = await offline('init', '--help');
    expect(stdout).toContain('standard  a day of shadow');
    expect(tooWide(stdout)).toEqual([]);
  });

  it('refuses what is no release, and a preset that nobody owns', async () => {
    expect(await offline('init', 'weld.yaml')).toMatchObject({ code: EXIT.usage, stdout: '' });
    const unowned = await offline('start', 'weld-seg:1.5.0', '--preset', 'fast');
    expect(unowned).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('--owner and --backup') });
    const misnamed = await offline('start', 'weld-seg:1.5.0', '--preset', 'fast', ...OWNERS, '--name', 'Bad Name');
    expect(misnamed).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('metadata.name: must be') });
    const forgotten = await offline('start', 'weld-seg:1.5.0');
    expect(forgotten).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('add --preset standard') });
    const ignored = await offline('start', 'weld.yaml', '--owner', 'vision-team');
    expect(ignored).toMatchObject({ code: EXIT.usage, stderr: expect.stringContaining('go with --preset') });
  });
});

describe('belay rollout lint', () => {
  const init = () => offline('init', 'weld-seg:1.5.0', ...OWNERS);

  it('names all mistakes of all files with line and column, exit 2, and as JSON', async () => {
    const { stdout: sound } = await init();
    const good = await save('good.yaml', sound);
    const bad = await save('bad.yaml', sound.replace('bake: 60m', 'bake: soon').replace('baseline * 1.10', 'baseline'));
    const { code, stdout } = await offline('lint', good, bad);
    expect(code).toBe(EXIT.usage);
    expect(stdout.split('\n').map((line) => line.replaceAll(`${folder}/`, ''))).toEqual([
      'good.yaml: no mistakes',
      expect.stringMatching(/^mistake {2}bad\.yaml:19:39 spec\.stages\[2\]\.bake: must be a duration/),
      expect.stringMatching(/^mistake {2}bad\.yaml:\d+:\d+ spec\.guardrails\[0\]\.expr: expected "\*", "\+" or "-"/),
      '',
    ]);
    const json = await offline('lint', good, bad, '--json');
    expect(json.code).toBe(EXIT.usage);
    expect(JSON.parse(json.stdout).files).toMatchObject([
      { file: good, problems: [], warnings: [] },
      { file: bad, problems: [{ line: 19, column: 39, path: 'spec.stages[2].bake' }, {}], warnings: [] },
    ]);
  });

  it('lets warnings pass, unless --strict', async () => {
    const { stdout: sound } = await init();
    const file = await save('warned.yaml', sound.replace('maxSilent: 20%', 'maxSilent: 100%'));
    const lint = await offline('lint', file);
    expect(lint.code).toBe(EXIT.ok);
    expect(lint.stdout).toMatch(/^warning {2}\S+:\d+:\d+ spec\.analysis\.missing\.maxSilent: /);
    expect((await offline('lint', file, '--strict')).code).toBe(EXIT.failed);
    expect((await offline('lint', file, '--devices', '5')).stdout).toContain(
      'it is the same 1 device as stage "first"',
    );
    expect((await offline('lint', file, '--devices', 'many')).code).toBe(EXIT.usage);
  });

  it('says which file it cannot read', async () => {
    const { code, stderr } = await offline('lint', path.join(folder, 'nowhere.yaml'));
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringContaining('nowhere.yaml: ENOENT')]);
  });
});

describe('belay rollout schema', () => {
  it('prints a JSON Schema that an editor can use', async () => {
    const { code, stdout } = await offline('schema');
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' });
  });
});

function planned(): unknown {
  return rolloutPlanSchema.parse({ plan: plan(), problems: [] });
}

describe('belay rollout import', () => {
  const SHORT = 'scripts/examples/short-form/segmenter.yaml';

  it('prints the file on stdout and the translation on stderr; the file lints', async () => {
    const { code, stdout, stderr } = await offline('import', SHORT, ...OWNERS);
    expect(code).toBe(EXIT.ok);
    expect(stderr).toContain('versions[1] → spec.candidate: seg-service:1.5.0  (the smaller share)\n');
    expect(stderr).toMatch(/^metrics_guardrails\.iou_drop_points → .*golden\(iou\) >= baseline - 1 pt/m);
    expect((await offline('lint', await save('imported.yaml', stdout))).code).toBe(EXIT.ok);
  });

  it('is exit 1 while something must be filled in, or with --strict when something was lost', async () => {
    const open = await offline('import', SHORT, '--json');
    expect(open.code).toBe(EXIT.failed);
    expect(open.stderr).toBe('');
    const json = JSON.parse(open.stdout);
    expect(json.problems).toMatchObject([{ path: 'spec.owners.primary' }, { path: 'spec.owners.backup' }]);
    expect(json.notes).toContainEqual({
      field: 'versions[0]',
      to: 'spec.baseline: stable',
      reason: expect.any(String),
    });
    const text = await readFile(SHORT, 'utf8');
    const lossy = await save('lossy.yaml', text.replace('iou_drop_points', 'dice_drop_points'));
    expect((await offline('import', lossy, ...OWNERS, '--strict')).code).toBe(EXIT.failed);
    expect((await offline('import', 'scripts/examples/demo-good.yaml')).code).toBe(EXIT.usage);
  });
});
