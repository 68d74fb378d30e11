// What a device must not take: documents that nobody it trusts has signed, or that are old or broken; releases whose bytes are
// not what their name says; models that answer otherwise than they promise. It goes on with the baseline and says why.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { permuteClasses } from '../../scripts/models/derive.ts';
import { answeringNaN } from '../../scripts/models/faults.ts';
import { readModel } from '../../scripts/models/onnx/reader.ts';
import { writeModel } from '../../scripts/models/onnx/writer.ts';
import type { Desired, ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Blocked } from '../../shared/protocol/reports.ts';
import { deviceTopic } from '../../shared/protocol/topics.ts';
import { openSigner, type Signer } from '../../shared/signing/signed-document.ts';
import { renamed } from './releases.ts';
import { openWireTap, type WireTap } from './wire-tap.ts';
import { changeConfig, openWorld, type World } from './world.ts';

const [WIRED, CORRUPT, TAMPERED, WRONG] = ['cam-1', 'cam-2', 'cam-3', 'cam-4'] as const;

let world: World;
let baseline: ReleaseRef;
let sound: ReleaseRef;

beforeAll(async () => {
  world = await openWorld({ devices: ['plant-1/cam-1', 'plant-2/cam-2', 'plant-3/cam-3', 'plant-4/cam-4'] });
  baseline = await world.releases.register('cv-detector/1.8.2');
  sound = await world.releases.derive('1.9.0', renamed('refusals'));
});

afterAll(() => world?.close());

describe('a document', () => {
  let tap: WireTap;
  let ownKey: Signer;
  const topic = deviceTopic({ site: 'plant-1', device: WIRED }, 'desired');

  beforeAll(async () => {
    tap = await openWireTap(world.fleet.mqttUrl);
    ownKey = await openSigner(JSON.parse(await readFile(path.join(controlPlaneData(), 'signing-key.json'), 'utf8')));
    const agent = world.agent(WIRED);
    const { boot } = await world.device(WIRED);
    await agent.program.stop();
    await changeConfig(agent, (config) => {
      config.controlPlane.mqttUrl = tap.url;
    });
    world.fleet.restartAgent(WIRED);
    await world.awaitDevice(WIRED, 'is back and answers', ({ reported }) => {
      return reported?.boot !== boot && reported?.serving?.digest === baseline.digest;
    });
  });

  afterAll(() => tap?.close());

  it('that somebody else has signed is refused', async () => {
    const { kid } = JSON.parse(await readFile(path.join(controlPlaneData(), 'signing-key.json'), 'utf8'));
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    const stranger = await openSigner({ kid, privateJwk: await exportJWK(privateKey) });
    expect(tap.inject(topic, await stranger('desired', await asked(WIRED, sound)))).toBe(true);
    await expectRefused(WIRED, 'bad-signature', /signature verification failed/);
  });

  it('that our own key has signed, for another purpose, is refused', async () => {
    expect(tap.inject(topic, await ownKey('kill', await asked(WIRED, sound)))).toBe(true);
    await expectRefused(WIRED, 'bad-signature', /is a "belay.kill.v1", not a "belay.desired.v1"/);
  });

  it('that is signed and broken is refused whole', async () => {
    const { baseline: _left, ...broken } = await asked(WIRED, sound);
    expect(tap.inject(topic, await ownKey('desired', broken))).toBe(true);
    await expectRefused(WIRED, 'malformed-document', /baseline/);
  });

  it('that was true once does not come back', async () => {
    const id = await world.releases.startRollout({ name: 'replay', candidate: sound, sites: ['plant-1'] });
    await world.awaitAnswer(WIRED, 'by the candidate', (answer) => answer.model_digest === sound.digest);
    const old = tap.heard().findLast((message) => message.topic === topic)?.text ?? '';
    await world.releases.act(id, 'rollback');
    await world.awaitDevice(WIRED, 'is back on the baseline', ({ reported }) => {
      return reported?.serving?.digest === baseline.digest && reported.candidate === null;
    });
    expect(tap.inject(topic, old)).toBe(true);
    await expectRefused(WIRED, 'older-generation', /generation \d+ refused: generation \d+ is in force/);
  });
});

describe('a release', () => {
  it('with one wrong byte in the store is not installed', async () => {
    const candidate = await world.releases.derive('1.10.0', renamed('corrupt'));
    const database = openRecord();
    const row = database.prepare("select sha256 from release_files where release_digest = ? and role = 'model'");
    const { sha256 } = row.get(candidate.digest) as { sha256: string };
    database.close();
    const file = path.join(controlPlaneData(), 'artifacts', sha256);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await expectNotInstalled(CORRUPT, candidate);
  });

  it('whose manifest is another one is not installed', async () => {
    const candidate = await world.releases.derive('1.11.0', renamed('tampered'));
    const database = openRecord();
    const update = database.prepare(
      "update releases set manifest = replace(manifest, '1.11.0.', '1.11.1.') where digest = ?",
    );
    expect(update.run(candidate.digest).changes).toBe(1);
    database.close();
    await expectNotInstalled(TAMPERED, candidate);
  });

  it('that nobody has registered is said to be unknown', async () => {
    const unknown = { release: 'cv-detector:9.9.9+data=cae1f8', digest: 'ab'.repeat(32) };
    const from = world.answers(TAMPERED).length;
    await order(TAMPERED, unknown);
    await world.awaitDevice(TAMPERED, 'is blocked', (device) => blockedBy(device.reported?.blocked, 'unknown-release'));
    await expectOnBaseline(TAMPERED, /Blocked \(unknown-release\).*404/, from);
  });
});

describe('a model', () => {
  it.each([
    { what: 'shuffles its classes', version: '1.12.0', make: shuffled, kind: 'proof-failed', reason: /answers met/ },
    { what: 'answers NaN', version: '1.13.0', make: answeringNaN, kind: 'non-finite', reason: /frame 0: .* NaN/ },
  ])('that $what fails its proof on the device and is set aside', async ({ version, make, kind, reason }) => {
    const from = world.answers(WRONG).length;
    const candidate = await world.releases.derive(version, make);
    const id = await world.releases.startRollout({ name: 'wrong', candidate, sites: ['plant-4'] });
    await world.releases.awaitRollout(id, 'goes back by itself', (view) => view.state === 'rolled_back');
    const { reported } = await world.awaitDevice(WRONG, 'has set it aside', (device) =>
      (device.reported?.quarantine ?? []).some((entry) => entry.digest === candidate.digest),
    );
    const entry = reported?.quarantine.find(({ digest }) => digest === candidate.digest);
    expect(entry).toMatchObject({ kind, reason: expect.stringMatching(reason) });
    const events = (await world.events(WRONG)).map(({ event }) => event);
    const kinds = events.filter(({ digest }) => digest === candidate.digest).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['proof', 'quarantined']));
    expect(kinds).not.toContain('serving');
    await expectOnBaseline(WRONG, new RegExp(`${escaped(candidate.release)} is in quarantine here`), from);
  });
});

function shuffled(model: Uint8Array): Uint8Array {
  return writeModel(permuteClasses(readModel(model), [1, 2, 3, 0]));
}

/** What the control plane would ask if it wanted this candidate to serve. */
async function asked(device: string, candidate: ReleaseRef): Promise<Desired> {
  const { desired } = await world.device(device);
  if (!desired) throw new Error(`nothing is desired of ${device}`);
  const trial = {
    ...candidate,
    role: 'serve' as const,
    rolloutId: 'ro-test',
    stage: 'all',
    sampleEvery: 1,
    lease: null,
    requireWarm: false,
  };
  return { ...desired, generation: desired.generation + 1, candidate: trial };
}

/** Writes the outbox row of a device, as a decision would. */
async function order(device: string, candidate: ReleaseRef): Promise<void> {
  const document = await asked(device, candidate);
  const database = openRecord();
  const update = database.prepare('update desired_state set generation = ?, document = ? where device = ?');
  expect(update.run(document.generation, JSON.stringify(document), device).changes).toBe(1);
  database.close();
}

async function expectRefused(device: string, kind: Blocked['kind'], reason: RegExp): Promise<void> {
  await world.awaitDevice(device, `has refused a document (${kind}: ${reason})`, ({ reported }) =>
    (reported?.blocked ?? []).some((blocked) => blocked.kind === kind && reason.test(blocked.reason)),
  );
  const explained = await world.belay('device', 'explain', `plant-1/${device}`);
  expect(explained.stdout).toMatch(new RegExp(`Blocked \\(${kind}\\).*${reason.source}`));
  expect(explained.stdout).toMatch(new RegExp(`It refused documents from here since it booted: .*\\d+ × ${kind}`));
  expect(explained.stdout).toMatch(new RegExp(`document-refused: ${kind}`));
  const { reported } = await world.device(device);
  expect(reported).toMatchObject({ serving: { digest: baseline.digest }, candidate: null });
  const from = world.answers(device).length;
  await world.awaitAnswer(device, 'goes on', () => true, from + 3);
  expect(onlyBaselineSince(device, from)).toBe(true);
}

/** Refused by the only device of its rollout, which goes back; on the device nothing of it is left as a release. */
async function expectNotInstalled(device: string, candidate: ReleaseRef): Promise<void> {
  const { site } = world.agent(device);
  const from = world.answers(device).length;
  const id = await world.releases.startRollout({ name: 'refused', candidate, sites: [site] });
  const { decisions } = await world.releases.awaitRollout(id, 'goes back', (view) => view.state === 'rolled_back');
  expect(decisions.map(({ reason }) => reason).join('\n')).toMatch(/1 of \d devices went back by themselves/);
  const refused = `download-failed ${escaped(candidate.release)}: .*: its SHA-256 is [0-9a-f]{64}`;
  await expectOnBaseline(device, new RegExp(refused), from);
  const folder = path.join(world.folder, 'devices', device, 'data/releases', candidate.digest);
  expect(existsSync(path.join(folder, 'manifest.json'))).toBe(false);
}

async function expectOnBaseline(device: string, said: RegExp, from: number): Promise<void> {
  const { site } = world.agent(device);
  const explained = await world.belay('device', 'explain', `${site}/${device}`);
  expect(explained.stdout).toMatch(said);
  await world.awaitAnswer(device, 'goes on', () => true, world.answers(device).length + 3);
  expect(onlyBaselineSince(device, from)).toBe(true);
  const { reported } = await world.device(device);
  expect(reported).toMatchObject({ serving: { digest: baseline.digest }, committed: { digest: baseline.digest } });
}

function onlyBaselineSince(device: string, from: number): boolean {
  return world
    .answers(device)
    .slice(from)
    .every((answer) => answer.model_digest === baseline.digest);
}

function blockedBy(blocked: readonly Blocked[] | undefined, kind: Blocked['kind']): boolean {
  return (blocked ?? []).some((entry) => entry.kind === kind);
}

function controlPlaneData(): string {
  return path.join(world.folder, 'control-plane');
}

function openRecord(): Database.Database {
  return new Database(path.join(controlPlaneData(), 'belay.db'), { timeout: 5000 });
}

function escaped(text: string): string {
  return text.replace(/[.+]/g, '\\$&');
}
