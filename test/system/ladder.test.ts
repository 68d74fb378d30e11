// The whole ladder with real broken models: the baseline crashes, the previous release hangs, the factory release does not
// load, the candidate answers nonsense. The device halts with an alarm that names every cause, lives on, and is repaired
// by an order for a sound release.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifacts } from '../../agent/artifacts/artifacts.ts';
import { freshDurable, type ReleaseRef } from '../../agent/core/state.ts';
import { openSlots } from '../../agent/state/slots.ts';
import { assemblePackage } from '../../scripts/fleet/package-folder.ts';
import { FAULTS, type FaultName } from '../../scripts/models/faults.ts';
import { MODEL_PATH } from '../../scripts/models/release-store.ts';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { AgentRig, type PackedRelease } from '../agent/agent-rig.ts';

const DEADLINE_MS = 60_000;
const GOOD = 'cv-detector/1.8.2';

const rig = new AgentRig();
let good: PackedRelease;
let candidate: PackedRelease;

/** The good release with a broken model, as a package folder. */
async function breakRelease(name: string, fault: FaultName, version: string): Promise<string> {
  const folder = await assemblePackage(GOOD, join(rig.folder, name));
  const model = Buffer.from(FAULTS[fault](readFileSync(join(folder, MODEL_PATH))));
  writeFileSync(join(folder, MODEL_PATH), model);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
  const sha256 = createHash('sha256').update(model).digest('hex');
  const files = manifest.files.map((file) =>
    file.path === MODEL_PATH ? { ...file, sha256, bytes: model.length } : file,
  );
  const limits = { ...manifest.limits, coldMs: 2500 };
  writeFileSync(join(folder, 'manifest.json'), canonicalJson({ ...manifest, version, files, limits }));
  return folder;
}

beforeAll(async () => {
  good = await rig.open(GOOD);
  const dataDir = join(rig.folder, 'data');
  const clocks = { monotonicNow: () => performance.now(), wallNow: () => Date.now() };
  const artifacts = openArtifacts({ dataDir, apiUrl: null, device: 'device-1', ...clocks });
  const install = async (name: string, fault: FaultName, version: string): Promise<ReleaseRef> =>
    (await artifacts.importPackage(await breakRelease(name, fault, version))).ref;
  const committed = await install('crashes', 'crash', '1.8.3');
  const previous = await install('hangs', 'hang', '1.8.4');
  const factory = await install('truncated', 'truncated', '1.8.5');
  const slots = openSlots(dataDir);
  slots.write({ ...freshDurable(factory), committed, previous });
  slots.close();
  rig.configure({ factory: 'truncated', ringDir: 'rings' });
  candidate = rig.offer(await breakRelease('nonsense', 'not-a-number', '1.9.0'));
  rig.start();
  await rig.order(committed, { ...candidate, role: 'serve' });
});

afterAll(() => rig.close());

describe('four broken releases in a row', () => {
  it('end in a halt: an alarm with every cause, no answers, and a program that lives on', async () => {
    await rig.until('it halts', () => rig.event('halted') !== undefined, DEADLINE_MS);
    const reason = rig.event('halted')?.reason ?? '';
    expect(reason).toMatch(/^halted, no answers: cv-detector:1\.8\.3\S* has failed: .*SIG.*; cv-detector:1\.8\.4/);
    expect(reason).toMatch(
      /cv-detector:1\.8\.4\S* has failed: .*; cv-detector:1\.8\.5\S* has failed: .*; begun again every 60 s$/,
    );
    await rig.until('it reports that', () => rig.reported?.phase === 'halted', DEADLINE_MS);
    expect(rig.reported?.serving).toBeNull();
    expect(rig.reported?.blocked.map(({ kind }) => kind)).toContain('baseline-failed');
    const isSetAside = () => rig.reported?.quarantine.some(({ digest }) => digest === candidate.digest) === true;
    await rig.until('the candidate is set aside too', isSetAside, DEADLINE_MS);
    expect(rig.answers).toEqual([]);
    expect(rig.child?.exitCode).toBeNull();
  });

  it('are left behind by an order for a sound one', async () => {
    await rig.order(good, null);
    await rig.until('it answers', () => rig.answeredBy(good, 0), DEADLINE_MS);
    await rig.until('it is committed', () => rig.reported?.committed?.digest === good.digest, DEADLINE_MS);
    expect(rig.reported?.phase).toBe('baseline');
    expect(await rig.stop()).toBe(0);
  });
});
