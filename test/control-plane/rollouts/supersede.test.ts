// `--supersede` on a simulated fleet and a real database: the old rollout goes back first, and the new one begins on the same baseline.
import { afterEach, describe, expect, it } from 'vitest';
import { rolloutText } from './rollout-text.ts';
import { NEW, NEXT, OLD, openSimFleet, type SimFleet } from './sim-fleet.ts';

let fleet: SimFleet;
afterEach(() => fleet.close());

const FIRST = rolloutText();
const SECOND = rolloutText({ name: 'detector-3' }).replace('cv-detector:2.0.0', 'cv-detector:2.1.0');
const start = (file: string, supersede = false) =>
  fleet.rollouts.start({ file, actor: 'engineer', reason: 'a better one', supersede });

async function begin(file: string, supersede = false): Promise<string> {
  const started = await start(file, supersede);
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.id;
}

const view = (id: string) => fleet.view(id);

const candidates = async () => {
  const documents = await Promise.all(fleet.devices.map(({ device }) => fleet.desired(device)));
  return documents.flatMap((document) => document?.candidate?.release ?? []);
};

describe('a rollout started in place of another', () => {
  it('is refused without being asked for, and says how to ask', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const first = await begin(FIRST);
    await fleet.run(3);
    const refused = await start(SECOND);
    expect(refused).toMatchObject({ kind: 'refused', reasons: [expect.stringContaining('--supersede')] });
    expect((await view(first)).state).toBe('running');
  });

  it('sends the devices of the old one back first, and begins on what they ran before both', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const first = await begin(FIRST);
    await fleet.run(3);
    expect(new Set(await candidates())).toEqual(new Set([NEW.release]));
    const second = await begin(SECOND, true);
    expect([(await view(first)).state, (await view(second)).state]).toEqual(['rolling_back', 'scheduled']);
    expect(await candidates()).toEqual([]);
    await fleet.run(1);
    expect((await view(second)).status).toContain(`waits until ${first} is rolled back`);
    await fleet.runUntil(async () => (await view(second)).state === 'running', 40);
    expect((await view(first)).state).toBe('superseded');
    expect(new Set(await candidates())).toEqual(new Set([NEXT.release]));
    const { devices } = await view(second);
    expect(new Set(devices.map(({ baseline }) => baseline.release))).toEqual(new Set([OLD.release]));
    expect(fleet.registryNotes.some((note) => note.startsWith('superseded: superseded in rollout'))).toBe(true);
    expect(await fleet.rollouts.act(first, 'resume', { actor: 'engineer', reason: 'x' })).toMatchObject({
      kind: 'refused',
      reason: 'it has ended: superseded',
    });
  });

  it('is on record with both: one decision and one audit row each, none without the other', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const first = await begin(FIRST);
    await fleet.run(3);
    const second = await begin(SECOND, true);
    const [latest] = (await view(first)).decisions;
    expect(latest).toMatchObject({ rule: 'person-supersede', actor: 'engineer', toState: 'rolling_back' });
    const rows = await fleet.database.selectFrom('audit').select(['action', 'subject', 'details']).execute();
    expect(
      rows.find(({ subject, action }) => subject === `rollout/${first}` && action === 'rollout-rollback'),
    ).toBeDefined();
    expect(rows.find(({ subject }) => subject === `rollout/${second}`)?.details).toContain(first);
    expect(await fleet.database.selectFrom('incidents').select('id').execute()).toEqual([]);
  });

  it('leaves the old one alone when it may not start itself, and is refused for the same candidate', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const first = await begin(FIRST);
    await fleet.run(3);
    const nowhere = SECOND.replace('salt: "fixed:r1"', 'salt: "fixed:r1", factories: [plant-z]');
    expect(await start(nowhere, true)).toMatchObject({ kind: 'refused' });
    const again = await start(rolloutText({ name: 'detector-3' }), true);
    expect(again).toMatchObject({ kind: 'refused', reasons: [expect.stringContaining('belay rollout edit')] });
    expect((await view(first)).state).toBe('running');
  });

  it('ends one that has not begun at once, and begins', async () => {
    fleet = await openSimFleet({ perSite: 8 });
    const later = new Date(fleet.nowMs + 5 * 3_600_000).toISOString().slice(11, 16);
    const until = new Date(fleet.nowMs + 7 * 3_600_000).toISOString().slice(11, 16);
    const first = await begin(rolloutText({ more: `  schedule: {tz: UTC, windows: ["daily ${later}-${until}"]}\n` }));
    expect((await view(first)).state).toBe('scheduled');
    const second = await begin(SECOND, true);
    expect([(await view(first)).state, (await view(second)).state]).toEqual(['superseded', 'running']);
  });
});
