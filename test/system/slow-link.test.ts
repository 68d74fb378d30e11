// A site behind a line of one megabit a second: while a release comes down it, windows still arrive, and a kill is obeyed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../scripts/fleet/fleet.ts';
import { readRelease } from '../../scripts/models/release-store.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { killSchema } from '../../shared/protocol/api-kills.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import { type NarrowLink, openNarrowLink } from './narrow-link.ts';
import { renamed } from './releases.ts';
import { changeConfig, DEADLINE_MS, openWorld, type World } from './world.ts';

const DEVICE = 'cam-a1';
const BYTES_PER_SECOND = 1_000_000 / 8;
/** Half a second of the line: what stands before a kill. */
const QUEUE_BYTES = 64 * 1024;
const WINDOW_MS = 1000;
/** Of silence that nobody would notice: a few windows. */
const SILENCE_MS_MAX = 5000;
/** The queue before it, a few turns of everybody, and a machine that does a lot besides. */
const KILL_MS_MAX = 5000;

let world: World;
let baseline: ReleaseRef;
let candidate: ReleaseRef;
let link: NarrowLink;
let apiUrl: string;

beforeAll(async () => {
  link = openNarrowLink(BYTES_PER_SECOND, QUEUE_BYTES);
  world = await openWorld({ devices: [`plant-a/${DEVICE}`], windowMs: WINDOW_MS });
  baseline = await world.releases.register('cv-detector/1.8.2');
  candidate = await world.releases.derive('1.9.0', renamed('slow-link'));
  const agent = world.agent(DEVICE);
  await agent.program.stop();
  const through = async (url: string): Promise<string> => {
    const narrowed = new URL(url);
    narrowed.port = String(await link.port(Number(narrowed.port)));
    return narrowed.href;
  };
  const mqttUrl = await through(world.fleet.mqttUrl);
  apiUrl = await through(world.fleet.api.url);
  await changeConfig(agent, ({ controlPlane }) => Object.assign(controlPlane, { mqttUrl, apiUrl }));
  world.fleet.restartAgent(DEVICE);
  await world.awaitDevice(DEVICE, 'is back', ({ online }) => online);
});

afterAll(async () => {
  await world?.close();
  await link?.close();
});

describe('a download over a slow line', () => {
  it('starves neither the windows of its device nor a kill', async () => {
    const before = link.passed();
    await world.releases.startRollout({ name: 'slow', candidate });
    const seenAtMs: number[] = [];
    const startedAtMs = performance.now();
    const isDown = await until(async () => {
      const { lastSeenAtMs, reported } = await world.device(DEVICE);
      if (seenAtMs.at(-1) !== lastSeenAtMs) seenAtMs.push(lastSeenAtMs);
      return reported?.serving?.digest === candidate.digest;
    }, DEADLINE_MS);
    expect(isDown).toBe(true);
    // It did take the line for seconds, so the windows had something to share it with.
    expect(link.passed() - before).toBeGreaterThan(500_000);
    expect(performance.now() - startedAtMs).toBeGreaterThan(4000);
    const silences = seenAtMs.slice(1).map((atMs, i) => atMs - (seenAtMs[i] ?? atMs));
    expect(seenAtMs.length).toBeGreaterThan(3);
    expect(Math.max(...silences)).toBeLessThan(SILENCE_MS_MAX);
  });

  it('does not keep a kill waiting', async () => {
    const model = modelFile(readRelease('cv-detector/1.8.2').manifest).sha256;
    const stopping = new AbortController();
    const flood = Array.from({ length: 3 }, () => downloadForEver(`${apiUrl}v1/artifacts/${model}`, stopping.signal));
    const before = link.passed();
    await until(() => link.passed() - before > 3 * QUEUE_BYTES, DEADLINE_MS);
    const body = {
      scope: { kind: 'release' as const, release: candidate.release },
      reason: 'system test',
      actor: 'system-test',
    };
    const killedAtMs = Date.now();
    await world.fleet.api.ask(endpoint('POST /v1/kills'), killSchema, body);
    const answer = await world.awaitAnswer(DEVICE, 'is of the baseline', ({ model_digest, answered_at_ms }) => {
      return answered_at_ms > killedAtMs && model_digest === baseline.digest;
    });
    expect(answer.answered_at_ms - killedAtMs).toBeLessThan(KILL_MS_MAX);
    stopping.abort();
    await Promise.all(flood);
  });
});

/** Keeps the line full with what nobody needs. */
async function downloadForEver(url: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await (await fetch(url, { signal })).arrayBuffer();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
