// The agent as a program: a real process, real models, a real broker, signed documents.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { windowSchema } from '../../shared/measure/window.ts';
import { reportedSchema } from '../../shared/protocol/reports.ts';
import { AgentRig, type PackedRelease, statOf } from './agent-rig.ts';

const SLOW_MS = 90_000;

describe('the agent', () => {
  const rig = new AgentRig();
  let baseline: PackedRelease;
  let candidate: PackedRelease;

  beforeAll(async () => {
    baseline = await rig.open('cv-detector/1.8.2');
    candidate = await rig.publish('cv-detector/2.0.0');
  }, SLOW_MS);
  afterAll(() => rig.close(), SLOW_MS);

  it(
    'answers with its factory release before anybody tells it anything',
    async () => {
      rig.start();
      await rig.until('a baseline answer', () => rig.answeredBy(baseline, 0));
      await rig.until('a report', () => rig.reported?.phase === 'baseline');
      expect(reportedSchema.parse(rig.reported).serving?.digest).toBe(baseline.digest);
      expect(rig.hellos).toHaveLength(1);
    },
    SLOW_MS,
  );

  it(
    'downloads and proves a candidate, then shadows with it while the baseline answers',
    async () => {
      await rig.order(baseline, { ...candidate, role: 'shadow' });
      await rig.until('the shadow', () => rig.reported?.phase === 'shadow', 60_000);
      const proof = rig.reported?.proofs.find((one) => one.digest === candidate.digest);
      expect(proof).toMatchObject({ passed: true, frames: 56 });
      expect(proof?.scores.find((score) => score.class === '*' && score.size === 'all')?.ap50).toBeGreaterThan(0.3);
      await rig.until('paired frames', () =>
        rig.windows.some((window) => (window.paired as { frames: number } | null)?.frames),
      );
      expect(rig.answers.every((answer) => answer.model_digest === baseline.digest)).toBe(true);
    },
    SLOW_MS,
  );

  it(
    'scores the baseline on the same golden set',
    async () => {
      await rig.until(
        'the score',
        () => rig.reported?.proofs.some((one) => one.digest === baseline.digest) ?? false,
        60_000,
      );
    },
    SLOW_MS,
  );

  it(
    'serves with the candidate when asked, and sends windows that keep the contract',
    async () => {
      await rig.order(baseline, { ...candidate, role: 'serve' });
      const from = rig.answers.length;
      await rig.until('a candidate answer', () => rig.answeredBy(candidate, from));
      await rig.until('a candidate window', () =>
        rig.windows.some((window) => windowSchema.parse(window).arms.some((arm) => arm.role === 'candidate')),
      );
      expect(rig.event('serving')?.digest).toBe(candidate.digest);
    },
    SLOW_MS,
  );

  it(
    'obeys a kill at once and acknowledges with the frame that the baseline answered',
    async () => {
      const entry = {
        id: 'k-1',
        scope: { kind: 'fleet' as const },
        reason: 'line stopped',
        actor: 'on-call',
        raisedAtMs: 1,
      };
      await rig.kill({ v: 1, epoch: 1, issuedAtMs: 1, kills: [entry] });
      await rig.until('the acknowledgement', () => rig.event('kill-ack') !== undefined);
      const ack = rig.event('kill-ack');
      expect(ack).toMatchObject({ killEpoch: 1, wasServing: true, digest: baseline.digest });
      expect(ack?.effectMs).toBeLessThan(1000);
      const frame = rig.answers.findIndex((answer) => answer.request_id === ack?.requestId);
      expect(rig.answers.slice(frame).every((answer) => answer.model_digest === baseline.digest)).toBe(true);
      await rig.until('the report', () => rig.reported?.blocked.some((one) => one.kind === 'killed') ?? false);
    },
    SLOW_MS,
  );

  it(
    'keeps the kill over a SIGKILL of itself, and answers with the baseline',
    async () => {
      const orphans = rig.processes();
      expect(orphans.length).toBeGreaterThan(1);
      await rig.stop('SIGKILL');
      await rig.until('the end of the orphans', () => orphans.every(({ pid }) => statOf(pid) === null));
      rig.start();
      await rig.until('a baseline answer', () => rig.answeredBy(baseline, 0));
      await rig.order(baseline, { ...candidate, role: 'serve' });
      await rig.until('the newest order', () => rig.reported?.generation === 3);
      expect(rig.reported?.candidate?.state).toBe('killed');
      expect(rig.reported?.kills).toEqual([{ id: 'k-1', reason: 'line stopped' }]);
    },
    SLOW_MS,
  );

  it(
    'proves and serves again after the rearm',
    async () => {
      const from = rig.answers.length;
      await rig.kill({ v: 1, epoch: 2, issuedAtMs: 1, kills: [] });
      await rig.until('a candidate answer', () => rig.answeredBy(candidate, from), 60_000);
      expect(rig.answers.slice(0, from).every((answer) => answer.model_digest === baseline.digest)).toBe(true);
    },
    SLOW_MS,
  );

  it(
    'refuses what is not signed, older or for somebody else, and says so',
    async () => {
      await rig.sendRaw('not a signed document');
      await rig.until('the refusal', () => (rig.reported?.refused['bad-signature'] ?? 0) > 0);
      await rig.order(baseline, null, 1);
      await rig.until('the refusal', () => (rig.reported?.refused['older-generation'] ?? 0) > 0);
      expect(rig.reported?.serving?.digest).toBe(candidate.digest);
    },
    SLOW_MS,
  );

  it(
    'answers every frame although the candidate crashes, and never tries it again',
    async () => {
      const from = rig.answers.length;
      const [, victim, ...more] = liveRunners(rig); // Baseline, candidate: in the order of their start.
      // Never a default here: pid 0 would signal the whole process group.
      if (!victim || more.length > 0) throw new Error(`no candidate among ${JSON.stringify(rig.processes())}`);
      process.kill(victim.pid, 'SIGSEGV');
      await rig.until('the quarantine', () => rig.reported?.quarantine[0]?.kind === 'crash');
      await rig.until(
        'baseline answers',
        () => rig.answers.slice(from).filter((one) => one.role === 'baseline').length > 8,
      );
      const numbers = rig.answers.slice(from).map((one) => Number(one.request_id.split('-').at(-1)));
      expect(numbers).toEqual(numbers.map((_, at) => (numbers[0] ?? 0) + at));
      expect(rig.event('reverted')).toMatchObject({ digest: candidate.digest });
      expect(rig.event('reverted')?.gapMs).toBeLessThan(1000);
    },
    SLOW_MS,
  );

  it(
    'honours a local kill file for as long as it is there',
    async () => {
      const file = join(rig.folder, 'kill-file');
      writeFileSync(file, 'smoke on line 1');
      await rig.until('the report', () => rig.reported?.kills[0]?.id === 'local-kill-file');
    },
    SLOW_MS,
  );

  it(
    'stops cleanly within three seconds and leaves no process behind',
    async () => {
      const startedAtMs = performance.now();
      const processes = rig.processes();
      expect(await rig.stop()).toBe(0);
      expect(performance.now() - startedAtMs).toBeLessThan(3500);
      expect(processes.map(({ pid }) => statOf(pid))).toEqual(processes.map(() => null));
    },
    SLOW_MS,
  );
});

/** A release that is being proven beside them runs at 19, whenever the machine has room for it. */
function liveRunners(rig: AgentRig): readonly { readonly pid: number }[] {
  return rig.processes().filter(({ nice }) => nice === 1);
}

describe('a runner that hangs', () => {
  const rig = new AgentRig();
  afterAll(() => rig.close(), SLOW_MS);

  it(
    'keeps the agent from stopping no longer than its drain, and is gone with it, rings included',
    async () => {
      const baseline = await rig.open('cv-detector/1.8.2');
      rig.start();
      await rig.until('an answer', () => rig.answeredBy(baseline, 0));
      const [runner, ...more] = liveRunners(rig);
      if (!runner || more.length > 0) throw new Error(`not one baseline among ${JSON.stringify(rig.processes())}`);
      process.kill(runner.pid, 'SIGSTOP');
      expect(readdirSync(rig.ringDir).filter((name) => name.startsWith('belay-device-1-camera-1-'))).not.toEqual([]);
      expect(await rig.stop()).toBe(0);
      await rig.until('its end', () => statOf(runner.pid) === null);
      expect(readdirSync(rig.ringDir)).toEqual([]);
    },
    SLOW_MS,
  );
});

describe('bit rot', () => {
  const rig = new AgentRig();
  afterAll(() => rig.close(), SLOW_MS);

  it(
    'in the committed model is found at the load, and the file is fetched again',
    async () => {
      const baseline = await rig.open('cv-detector/1.8.2');
      rig.start();
      await rig.until('an answer', () => rig.answeredBy(baseline, 0));
      await rig.stop();
      const path = join(rig.folder, 'data/releases', baseline.digest, 'model.onnx');
      const bytes = readFileSync(path);
      bytes[5000] = (bytes[5000] ?? 0) ^ 16;
      writeFileSync(path, bytes);
      rig.start();
      await rig.until('the finding', () => rig.event('download-failed') !== undefined);
      await rig.until('an answer again', () => rig.answeredBy(baseline, 0), 40_000);
      expect(readFileSync(path).equals(bytes)).toBe(false);
    },
    SLOW_MS,
  );
});

describe('a mislabelled candidate', () => {
  const rig = new AgentRig();
  afterAll(() => rig.close(), SLOW_MS);

  it(
    'fails its proof, is quarantined, and never answers a frame',
    async () => {
      const baseline = await rig.open('cv-detector/1.8.2');
      const shuffled = await rig.publish('cv-detector/2.0.0', 'shuffled', (manifest) => ({
        ...manifest,
        labels: [...manifest.labels].reverse().map((label, id) => ({ ...label, id })),
      }));
      rig.start();
      await rig.order(baseline, { ...shuffled, role: 'serve' });
      await rig.until('the quarantine', () => rig.reported?.quarantine[0]?.kind === 'proof-failed', 60_000);
      expect(rig.reported?.blocked.map((one) => one.kind)).toContain('proof-failed');
      expect(rig.answeredBy(shuffled, 0)).toBe(false);
      await rig.until('baseline answers', () => rig.answeredBy(baseline, 0));
    },
    SLOW_MS,
  );
});
