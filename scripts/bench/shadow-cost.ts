// What a shadow costs the baseline: the latency of one agent's answers while a shadow runs beside it on every frame, and while
// the same release is loaded and stands still. By turns in one run, so that the machine's moods meet both.
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { assemblePackage } from '../fleet/package-folder.ts';
import { type DeviceRig, openDeviceRig } from './device-rig.ts';
import { type Figure, median, percentile, type Row } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const ROUNDS = 6;
const ROUND_MS = 6000;
/** A change of role is over by then. */
const SETTLE_MS = 700;
const BASELINE = 'cv-detector/2.3.0';
const SHADOW = 'cv-detector/2.4.0';
/** A baseline that has air: one that is always busy would measure its own queue. */
const CAMERA_FPS = 15;
const PROOF_DEADLINE_MS = 60_000;

type Latencies = { readonly shadowed: number[]; readonly alone: number[] };

export const shadowCost: Figure = {
  id: 'shadow',
  rows: ['p50', 'p95'],
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const factory = await assemblePackage(BASELINE, path.join(workspace.folder, 'factory'));
      const other = await assemblePackage(SHADOW, path.join(workspace.folder, 'shadow'));
      const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: 1 });
      const releases = { baseline: rig.server.publishPackage(factory), shadow: rig.server.publishPackage(other) };
      const seen: Latencies = { shadowed: [], alone: [] };
      for (let round = 1; round <= ROUNDS; round += 1) {
        progress(`round ${round} of ${ROUNDS}`);
        await playRound(rig, releases, { isShadowFirst: round % 2 === 0, seen });
      }
      return [rowOf('p50', 0.5, seen), rowOf('p95', 0.95, seen)];
    }),
};

type Releases = { readonly baseline: ReleaseRef; readonly shadow: ReleaseRef };

type Round = { readonly isShadowFirst: boolean; readonly seen: Latencies };

async function playRound(rig: DeviceRig, releases: Releases, { isShadowFirst, seen }: Round): Promise<void> {
  if (isShadowFirst) seen.shadowed.push(...(await listen(rig, releases, 'shadow')));
  seen.alone.push(...(await listen(rig, releases, 'prove')));
  if (!isShadowFirst) seen.shadowed.push(...(await listen(rig, releases, 'shadow')));
}

/** Latencies of the baseline over one turn. */
async function listen(
  rig: DeviceRig,
  { baseline, shadow }: Releases,
  role: 'prove' | 'shadow',
): Promise<readonly number[]> {
  const limits = { latencyRatio: null, emptyForMs: null, alertRatio: null };
  await rig.server.order(baseline, shadow, { role, limits });
  const phase = role === 'shadow' ? 'shadow' : 'ready';
  await rig.await(`phase ${phase}`, () => rig.server.reported()?.phase === phase, PROOF_DEADLINE_MS);
  await wait(SETTLE_MS);
  const from = rig.answers.length;
  await wait(ROUND_MS);
  return rig.answers.slice(from).flatMap((answer) => (answer.digest === baseline.digest ? [answer.latencyMs] : []));
}

function rowOf(name: 'p50' | 'p95', q: number, { shadowed, alone }: Latencies): Row {
  const [ours, limit] = [percentile(shadowed, q), percentile(alone, q)];
  return {
    id: `shadow.${name}`,
    ours,
    limit,
    ratio: ours / limit,
    unit: 'ms',
    goal: name === 'p50' ? '≤ 1.02' : '≤ 1.05',
    note: noteOf(
      `latency of the baseline (2.3.0) with 2.4.0 as a shadow, limit: without; ${shadowed.length} and ${alone.length} frames`,
      `medians ${median(shadowed).toFixed(1)} and ${median(alone).toFixed(1)} ms`,
      describeLoad(),
    ),
  };
}
