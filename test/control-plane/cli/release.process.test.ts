// belay release: what is uploaded and registered, and every way in which a folder can be no release.
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../../control-plane/cli/exit-codes.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { CANDIDATE, registered, release, report } from './recorded-documents.ts';
import { openRecordedServer, problem, type RecordedServer, type Route } from './recorded-server.ts';
import { runBelay } from './run-belay.ts';

let server: RecordedServer;
beforeAll(async () => {
  server = await openRecordedServer();
});
afterAll(() => server.close());

let root = '';
let folder = '';
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'belay-release-'));
  folder = path.join(root, '1.0.0');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const belay = (...args: string[]) => runBelay(args, { url: server.url });
const tiny = tinyPackage();

/** Writes the package as a person has it on disk. */
async function writePackage(manifest: unknown = tiny.manifest): Promise<void> {
  await mkdir(path.join(folder, 'golden'), { recursive: true });
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  for (const file of tiny.parsed.files)
    await writeFile(path.join(folder, file.path), tiny.artifacts.get(file.sha256) ?? new Uint8Array());
}

/** The registry's routes; it has no artifact yet. */
const routes = (more: Readonly<Record<string, Route>> = {}): Readonly<Record<string, Route>> => ({
  'HEAD /v1/artifacts/*': { status: 404, body: '' },
  'PUT /v1/artifacts/*': { status: 201, body: {} },
  ...more,
});
const uploads = () => server.requests.filter((request) => request.method === 'PUT');

describe('belay release add', () => {
  beforeEach(() => server.answer(routes({ 'POST /v1/releases': { status: 201, body: registered() } })));

  it('uploads every file under its digest, then registers the manifest', async () => {
    await writePackage();
    const { code, stdout, stderr } = await belay('release', 'add', folder);
    expect(code).toBe(EXIT.ok);
    expect(uploads().map(({ path: at, bytes }) => ({ at, bytes }))).toEqual(
      tiny.parsed.files.map((file) => ({ at: `/v1/artifacts/${file.sha256}`, bytes: file.bytes })),
    );
    expect(server.last('POST /v1/releases')?.body).toEqual({ manifest: tiny.parsed, actor: 'lead' });
    expect(stdout).toBe(
      [
        'registered cv-detector:2.0.0+data=3ce470',
        `  digest ${CANDIDATE.digest}`,
        '  ok    operators: 7 operators, all known',
        '',
      ].join('\n'),
    );
    expect(stderr).toMatch(/^uploaded model\.onnx \(\d+ KB\)$/m);
  });

  it('sends nothing twice, and says that a release was there already', async () => {
    await writePackage();
    server.answer({
      'HEAD /v1/artifacts/*': { body: '' },
      'POST /v1/releases': { body: registered({ created: false }) },
    });
    const { stdout, stderr } = await belay('release', 'add', folder);
    expect(uploads()).toEqual([]);
    expect(stdout).toContain('already registered: cv-detector:2.0.0');
    expect(stderr).toBe('');
  });

  it('finds files that versions share one folder up', async () => {
    await writePackage();
    await mkdir(path.join(root, 'golden'));
    await rename(path.join(folder, 'golden/frames.bin'), path.join(root, 'golden/frames.bin'));
    const { code, stdout } = await belay('release', 'add', folder, '--json');
    expect(code).toBe(EXIT.ok);
    expect(uploads()).toHaveLength(3);
    expect(JSON.parse(stdout)).toEqual(registered());
  });

  it('prefers the file of the folder to the one above', async () => {
    await writePackage();
    await mkdir(path.join(root, 'golden'));
    await writeFile(path.join(root, 'golden/frames.bin'), 'of another model');
    expect((await belay('release', 'add', folder)).code).toBe(EXIT.ok);
  });
});

describe('a folder that is no release is exit code 2, and nothing is registered', () => {
  beforeEach(() => server.answer(routes({ 'POST /v1/releases': { body: registered() } })));

  const refused = async (): Promise<string> => {
    const { code, stdout, stderr } = await belay('release', 'add', folder);
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(server.last('POST /v1/releases')).toBeUndefined();
    expect(stderr).not.toMatch(/^\s+at /m);
    return stderr;
  };

  it('when it is not there', async () => {
    const said = await refused();
    expect(said).toContain(`cannot read ${path.join(folder, 'manifest.json')}`);
    expect(said).toContain('A release is a folder with manifest.json and the files that it names.');
  });

  it('when a file is missing', async () => {
    await writePackage();
    await rm(path.join(folder, 'golden/frames.bin'));
    expect(await refused()).toContain(`cannot read ${path.join(folder, 'golden/frames.bin')}`);
  });

  it('when a file is not the one that the manifest names, here and one folder up', async () => {
    await writePackage();
    await copyFile(path.join(folder, 'manifest.json'), path.join(folder, 'golden/expect.json'));
    const said = await refused();
    expect(said).toContain('golden/expect.json is not what manifest.json says: its SHA-256 is ');
    expect(said).toContain(`the manifest names ${tiny.parsed.files.at(-1)?.sha256}`);
  });

  it('when the manifest is broken: every mistake with its path', async () => {
    await writePackage({ ...tiny.manifest, version: 'one', owner: '', labels: [{ id: 3, name: 'scratch' }] });
    const said = await refused();
    expect(said).toContain('manifest.json is not a manifest:');
    expect(said).toContain('  version: must be MAJOR.MINOR.PATCH');
    expect(said).toContain('  owner: ');
    expect(uploads()).toEqual([]);
  });

  it('when the manifest is not JSON', async () => {
    await writePackage();
    await writeFile(path.join(folder, 'manifest.json'), '{"schema":');
    expect(await refused()).toContain('not JSON');
  });
});

describe('a registry that refuses', () => {
  it('a release shows every finding, exit code 2', async () => {
    await writePackage();
    const findings = [
      { path: 'files.0', message: 'operator Loop is not on the list' },
      { path: 'version', message: 'this content is a major step' },
    ];
    server.answer(routes({ 'POST /v1/releases': problem('release-refused', 'it did not pass', findings) }));
    const { code, stderr } = await belay('release', 'add', folder);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toContain('belay: it did not pass\n  files.0: operator Loop is not on the list\n  version: ');
  });

  it('says once what is wrong when there is one mistake', async () => {
    await writePackage();
    const reason = 'label order changed (spill, dent…) → this must be 3.0.0';
    const findings = [{ path: 'version', message: reason }];
    server.answer(routes({ 'POST /v1/releases': problem('release-refused', reason, findings) }));
    const { stderr } = await belay('release', 'add', folder);
    expect(stderr.split(reason)).toHaveLength(2);
    expect(stderr).toContain(`belay: ${reason}\nNext: `);
  });

  it('a number that is taken is exit code 5', async () => {
    await writePackage();
    server.answer(routes({ 'POST /v1/releases': problem('release-taken', 'this number belongs to another') }));
    expect((await belay('release', 'add', folder)).code).toBe(EXIT.conflict);
  });

  it('an upload says so', async () => {
    await writePackage();
    server.answer(routes({ 'PUT /v1/artifacts/*': problem('storage-full', 'no space left in the data folder') }));
    const { code, stderr } = await belay('release', 'add', folder);
    expect(code).toBe(EXIT.failed);
    expect(stderr).toContain('belay: no space left in the data folder\nNext: Free space');
  });
});

describe('belay release check', () => {
  it('gives the report, exit code 0 for a release that would be taken', async () => {
    await writePackage();
    server.answer(routes({ 'POST /v1/releases/check': { body: report() } }));
    const { code, stdout } = await belay('release', 'check', folder, '--json');
    expect(code).toBe(EXIT.ok);
    expect(JSON.parse(stdout)).toEqual(report());
  });

  it('is exit code 1 for one that would be refused, with the findings on stdout', async () => {
    await writePackage();
    const findings = [{ check: 'version' as const, ok: false, path: 'version', message: 'must be 2.0.0' }];
    server.answer(routes({ 'POST /v1/releases/check': { body: report({ ok: false, findings, next: null }) } }));
    const { code, stdout } = await belay('release', 'check', folder);
    expect([code, stdout]).toEqual([EXIT.failed, '  FAIL  version: must be 2.0.0\n']);
  });
});

describe('belay release list and get', () => {
  it('list shows them, of one name when asked', async () => {
    server.answer({ 'GET /v1/releases?name=cv-detector': { body: { releases: [release()] } } });
    const { code, stdout } = await belay('release', 'list', '--name', 'cv-detector');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toMatch(/^cv-detector:2\.0\.0\+data=3ce470 {2}detection {2}registered {2}vision team /m);
  });

  it('list tells an empty registry the next command, and gives JSON all the same', async () => {
    server.answer({ 'GET /v1/releases': { body: { releases: [] } } });
    expect((await belay('release', 'list')).stdout).toBe('No releases yet. Next: belay release add FOLDER\n');
    expect((await belay('release', 'list', '--json')).stdout).toBe('{"releases":[]}\n');
  });

  it('get shows what became of it', async () => {
    server.answer({ 'POST /v1/releases/lookup': { body: release() } });
    const { stdout } = await belay('release', 'get', 'cv-detector:2.0.0');
    expect(server.last('POST /v1/releases/lookup')?.body).toEqual({ reference: 'cv-detector:2.0.0' });
    expect(stdout).toBe(
      [
        'cv-detector:2.0.0+data=3ce470  registered',
        `  digest ${CANDIDATE.digest}`,
        `  page   ${server.url}/models/cv-detector%3A2.0.0%2Bdata%3D3ce470`,
        '  Retrained on 2,800 labelled frames.',
        '  2026-09-21T14:13:20.000Z  lead: registered',
        '',
      ].join('\n'),
    );
  });

  it('get of none is exit code 3, of several 5', async () => {
    server.answer({ 'POST /v1/releases/lookup': problem('not-found', 'no release "x:1.0.0" is registered') });
    expect((await belay('release', 'get', 'x:1.0.0')).code).toBe(EXIT.notFound);
    server.answer({ 'POST /v1/releases/lookup': problem('ambiguous-reference', 'it fits two') });
    expect((await belay('release', 'get', 'x:1.0.0')).code).toBe(EXIT.conflict);
  });
});

describe('belay release archive, withdraw and restore', () => {
  const found = { ...release(), state: 'withdrawn' };
  beforeEach(() =>
    server.answer({
      'POST /v1/releases/lookup': { status: 200, body: release() },
      'POST /v1/releases/*': { status: 200, body: found },
    }),
  );

  it('turns the state of the release that was meant, with the reason', async () => {
    const { code, stdout } = await belay('release', 'withdraw', 'cv-detector:2.0.0', '--reason', 'misses dents');
    expect(code).toBe(EXIT.ok);
    expect(stdout).toContain('withdrawn');
    expect(stdout).toContain('Next, where it runs: belay kill --release');
    expect(server.last(`POST /v1/releases/${release().digest}/state`)?.body).toMatchObject({
      state: 'withdrawn',
      reason: 'misses dents',
    });
  });

  it('changes nothing with --dry-run', async () => {
    const { code, stdout } = await belay('release', 'archive', 'cv-detector:2.0.0', '--reason', 'old', '--dry-run');
    expect([code, stdout.includes('Nothing was changed.')]).toEqual([EXIT.ok, true]);
    expect(server.requests.filter(({ path: at }) => at.endsWith('/state'))).toEqual([]);
  });
});
