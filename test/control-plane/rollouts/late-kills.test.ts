// A kill of the candidate after its rollout was complete: nothing is held, and the note is written all the same.
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { openIncidents } from '../../../control-plane/incidents/incidents.ts';
import { rolloutText } from './rollout-text.ts';
import { NEW, openSimFleet, type SimFleet } from './sim-fleet.ts';

const FILE = rolloutText({ guardrails: ['id: p95, expr: "p95(latency_ms) <= baseline * 2", enforce: rollback'] });

let fleet: SimFleet;
afterEach(() => fleet.close());

describe('a kill after completion', () => {
  it('opens one incident, also over a restart, and closes it when it is re-armed', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const started = await fleet.rollouts.start({ file: FILE, actor: 'engineer', reason: 'better' });
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    const { id } = started;
    await fleet.runUntil(async () => (await fleet.rollouts.get(id))?.state === 'completed', 120);
    const audit = openAudit({ database: fleet.database, wallNow: () => fleet.nowMs });
    const incidents = openIncidents({ database: fleet.database, audit, wallNow: () => fleet.nowMs });
    await fleet.run(1);
    await fleet.kill('k-site', { kind: 'site', site: 'plant-a' });
    await fleet.run(1);
    expect(await incidents.list(id)).toEqual([]);
    await fleet.kill('k-release', { kind: 'release', ...NEW });
    await fleet.run(2);
    fleet.reopen();
    await fleet.run(2);
    const found = await incidents.list(id);
    expect(found).toMatchObject([{ kind: 'killed', closedAtMs: null, title: expect.stringContaining('k-release') }]);
    expect(await incidents.get(id)).toMatchObject({ state: 'completed', telemetry: expect.any(Array) });
    await fleet.rearm('k-release');
    await fleet.run(2);
    expect(await incidents.list(id)).toMatchObject([{ closedBecause: 'the kill was re-armed' }]);
    const kinds = (await fleet.rollouts.get(id))?.decisions.map(({ kind }) => kind).slice(0, 2);
    expect(kinds).toEqual(['rearm', 'kill']);
    expect(await audit.verify()).toMatchObject({ kind: 'intact' });
  }, 60_000);
});
