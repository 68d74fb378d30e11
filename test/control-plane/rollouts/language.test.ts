// The newer words of the rollout language end to end on a simulated fleet: figures that are brought in let an objective pass, limits
// reach the devices, and what the file asks to keep is kept.
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { openBusiness } from '../../../control-plane/business/business.ts';
import type { Device } from '../../../control-plane/devices/device.ts';
import { findRetained } from '../../../control-plane/registry/release-rows.ts';
import { openReports } from '../../../control-plane/reports/reports.ts';
import { NEW, OLD, openSimFleet, type SimFleet } from './sim-fleet.ts';

const MINUTE = 60_000;
let fleet: SimFleet;
afterEach(() => fleet.close());

const FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: some, percent: 50, bake: 6m}, {name: full, percent: 100, bake: 4m, judge: noBreach}]
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, minutes: 2}
  prewarm: {warmupFrames: 30, coldStartProbes: 5}
  guardrails:
    - {id: p95, expr: p95(latency_ms) <= baseline * 1.5, enforce: rollback}
    - {id: fps, expr: mean(fps) >= baseline * 0.5, enforce: observe, device: {floor: 8, for: 20s, action: revert}}
  objectives:
    - {id: cost, expr: cost_per_defect improves >= 5 %, with: [p95], gate: some}
  promotion: {inconclusive: {page: primary}}
  after: {retainBaseline: 14d, archive: [decisions, report, telemetry-summary], conclude: none}
`;

function business() {
  const { database, devices } = fleet;
  const known = devices.map(({ site, device }) => ({ site, device, line: null }) as unknown as Device);
  return openBusiness({
    database,
    audit: openAudit({ database, wallNow: () => fleet.nowMs }),
    devices: { list: async () => known },
    wallNow: () => fleet.nowMs,
  });
}

/** Spans of two minutes over this time; those of candidates cost `factor` as much. */
function figures(fromMs: number, spans: number, costOf: (device: string) => number): string {
  const rows = fleet.devices.flatMap(({ site, device }) =>
    Array.from({ length: spans }, (_, i) => {
      const from = new Date(fromMs + i * 2 * MINUTE).toISOString();
      const to = new Date(fromMs + (i + 1) * 2 * MINUTE).toISOString();
      return `${site},${device},${from},${to},${(costOf(device) * (100 + (i % 2))).toFixed(2)},50`;
    }),
  );
  return ['site,device,from,to,cost,defects_caught', ...rows].join('\n');
}

const bring = (text: string) => business().importText({ text, actor: 'quality-lead', source: 'figures.csv' });

describe('the language, lived through', () => {
  it('holds for want of an improvement, goes on when it is shown, and keeps what the file asks for', async () => {
    fleet = await openSimFleet({ perSite: 24 });
    await fleet.run(20);
    const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'cheaper' });
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    const startMs = fleet.nowMs;
    const state = async () => (await fleet.rollouts.get(started.id))?.state;
    await fleet.runUntil(async () => (await state()) === 'holding', 20);
    const held = await fleet.rollouts.get(started.id);
    expect(held?.decisions[0]?.reason).toContain('objective cost is not shown yet');
    expect(held?.decisions[0]?.reason).toContain('vision-team (primary) is asked to decide');

    const candidates = new Set<string>();
    for (const { device } of fleet.devices) {
      const desired = await fleet.desired(device);
      if (desired?.candidate == null) continue;
      candidates.add(device);
      expect(desired.limits).toMatchObject({ fpsFloor: 8, fpsForMs: 20_000 });
      expect(desired.candidate.prewarm).toEqual({ warmupFrames: 30, coldStartProbes: 5 });
    }
    expect(candidates.size).toBe(12);

    expect(await bring(figures(startMs - 30 * MINUTE, 14, () => 1))).toMatchObject({ kind: 'imported' });
    const since = figures(startMs + 2 * MINUTE, 3, (device) => (candidates.has(device) ? 0.85 : 1));
    expect(await bring(since)).toMatchObject({ kind: 'imported', answer: { units: 24 } });
    await fleet.rollouts.act(started.id, 'resume', { actor: 'engineer', reason: 'figures are in' });
    await fleet.runUntil(async () => (await state()) === 'completed', 40);

    const { database } = fleet;
    const report = await openReports({ database }).ofRollout(started.id);
    expect(report?.business).toMatchObject([{ metric: 'cost_per_defect', limitText: '≤ -5 %', verdict: 'pass' }]);
    expect(report?.business[0]?.estimate).toBeCloseTo(-15, 0);
    await fleet.run(1);
    expect((await fleet.rollouts.archive(started.id))?.map(({ kind }) => kind)).toEqual([
      'decisions',
      'report',
      'telemetry-summary',
    ]);
    expect(fleet.registryNotes.join('\n')).not.toContain('stable');
    const retained = await findRetained(database, OLD.digest);
    expect(retained?.rolloutId).toBe(started.id);
    expect(await findRetained(database, NEW.digest)).toBeNull();
  }, 60_000);

  it('takes no file by halves: strangers, and times that are known already in another cut', async () => {
    fleet = await openSimFleet({ perSite: 2 });
    const [one] = fleet.devices;
    const row = (device: string, from: number, to: number) =>
      `plant-a,${device},${new Date(from).toISOString()},${new Date(to).toISOString()},5,1`;
    const header = 'site,device,from,to,cost,defects_caught';
    const name = one?.device ?? '';
    expect(await bring(`${header}\n${row(name, 0, 4000)}\n${row('nobody', 0, 4000)}`)).toEqual({
      kind: 'refused',
      problems: [{ line: 3, message: 'plant-a/nobody was never heard of' }],
    });
    expect(await business().coverage()).toEqual([]);
    expect((await bring(`${header}\n${row(name, 0, 4000)}`)).kind).toBe('imported');
    const other = await bring(`${header}\n${row(name, 2000, 6000)}`);
    expect(other).toMatchObject({ kind: 'refused', problems: [{ line: 2 }] });
    // The very same span is a correction.
    expect((await bring(`${header}\n${row(name, 0, 4000).replace(',5,1', ',6,1')}`)).kind).toBe('imported');
    expect(await business().coverage()).toMatchObject([
      { device: name, records: 1, figures: ['defectsCaught', 'cost'] },
    ]);
  });
});
