// A running rollout gets other words: what tightens is in force at once, what loosens waits for others, the rest is refused.
import { afterEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import type { RolloutEditBody } from '../../../shared/protocol/api-revisions.ts';
import { rolloutText, SLOWER, TWO_STAGES } from './rollout-text.ts';
import { openSimFleet, type SimFleet } from './sim-fleet.ts';

const OWNERS = 'primary: vision-team, backup: on-call, approvers: [qa-lead, plant-mgr, engineer]';
const FILE = rolloutText({ owners: OWNERS, more: '  abort: {verify: none}\n' });
const TIGHTER = FILE.replace('* 1.2', '* 1.1');
const LOOSER = FILE.replace('* 1.2', '* 2');

let fleet: SimFleet;
afterEach(() => fleet.close());

async function begin(file = FILE): Promise<string> {
  fleet = await openSimFleet({ perSite: 8 });
  const started = await fleet.rollouts.start({ file, actor: 'engineer', reason: 'better' });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  await fleet.run(3);
  return started.id;
}

const view = (id: string) => fleet.view(id);

const edit = (id: string, file: string, more: Partial<RolloutEditBody> = {}) =>
  fleet.rollouts.edit(id, { file, actor: 'engineer', reason: 'as agreed', baseRevision: 1, ...more });
const approve = (id: string, number: number, actor: string) =>
  fleet.rollouts.settle(id, { verb: 'approve', number, actor, reason: 'fine' });

describe('a revision that only tightens', () => {
  it('is in force at once: judged by, recorded, told to devices, and nobody moves', async () => {
    const id = await begin();
    const before = await view(id);
    const limits = `${TIGHTER}  limits: {temperatureCeilingC: 70}\n`;
    expect(await fleet.rollouts.list()).toEqual([await fleet.rollouts.summary(id)]);
    expect(await edit(id, limits)).toMatchObject({ kind: 'done', edited: { outcome: 'in-force', revision: 2 } });
    expect(await fleet.rollouts.list()).toEqual([await fleet.rollouts.summary(id)]);
    const after = await view(id);
    expect(after).toMatchObject({ revision: 2, state: 'running', stage: 'some', fileText: limits });
    expect(after.planHash).not.toBe(before.planHash);
    expect(after.devices.map(({ device, role }) => [device, role])).toEqual(
      before.devices.map(({ device, role }) => [device, role]),
    );
    expect(after.revisions.map(({ number, state }) => [number, state])).toEqual([
      [1, 'replaced'],
      [2, 'in-force'],
    ]);
    expect(after.decisions[0]).toMatchObject({
      kind: 'revise',
      actor: 'engineer',
      revision: 2,
      fromState: 'running',
      toState: 'running',
    });
    const given = after.devices.filter(({ role }) => role === 'serve');
    for (const { device } of given) expect((await fleet.desired(device))?.limits.temperatureCeilingC).toBe(70);
    fleet.reopen();
    fleet.behaviour = { latencyFactor: 1.6 };
    await fleet.runUntil(async () => (await view(id)).state === 'rolled_back', 90);
    expect((await view(id)).decisions.findLast(({ kind }) => kind === 'rollback')?.reason).toContain('+10 %');
    expect((await fleet.rollouts.why(id))?.sentences.join()).toContain('revision 2 of its file is in force');
    expect(await openAudit({ database: fleet.database, wallNow: () => 0 }).verify()).toMatchObject({ kind: 'intact' });
  }, 60_000);

  it('puts off the look of its stage when it bakes for longer', async () => {
    const id = await begin();
    await fleet.runUntil(async () => (await view(id)).nextDecisionAtMs !== null, 10);
    const before = (await view(id)).nextDecisionAtMs ?? 0;
    await edit(id, FILE.replace('25, bake: 8m', '25, bake: 20m'));
    expect((await view(id)).nextDecisionAtMs).toBe(before + 12 * 60_000);
  }, 60_000);

  it('makes an approval of the words before it count for nothing', async () => {
    const stages = [`${TWO_STAGES[0]}, promote: approval, approvals: 2`, TWO_STAGES[1] ?? ''];
    const text = rolloutText({ owners: OWNERS, stages });
    const id = await begin(text);
    await fleet.runUntil(async () => (await view(id)).state === 'awaiting_approval', 60);
    await fleet.rollouts.act(id, 'approve', { actor: 'qa-lead', reason: 'fine' });
    expect((await view(id)).approvals?.given).toHaveLength(1);
    await edit(id, text.replace('* 1.2', '* 1.19'));
    expect((await view(id)).approvals?.given).toEqual([]);
  }, 60_000);
});

describe('a revision that loosens', () => {
  it('waits for others, who agree to these words and no others', async () => {
    const id = await begin();
    expect(await edit(id, LOOSER)).toMatchObject({ kind: 'done', edited: { outcome: 'proposed', revision: 2 } });
    expect(await view(id)).toMatchObject({ revision: 1, fileText: FILE });
    expect((await fleet.rollouts.why(id))?.whatYouCanDo.join()).toContain('approve detector-2-1 --revision 2');
    expect(await approve(id, 2, 'engineer')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('asked for it'),
    });
    expect(await approve(id, 2, 'visitor')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('approvers'),
    });
    const other = { verb: 'approve' as const, number: 2, actor: 'qa-lead', reason: 'fine', planHash: 'a'.repeat(64) };
    expect(await fleet.rollouts.settle(id, other)).toMatchObject({ kind: 'refused' });
    fleet.reopen();
    expect(await approve(id, 2, 'qa-lead')).toMatchObject({ kind: 'done', edited: { outcome: 'in-force' } });
    expect(await view(id)).toMatchObject({ revision: 2, fileText: LOOSER });
    const kinds = (await view(id)).decisions.map(({ kind, revision }) => [kind, revision]);
    expect(kinds.slice(0, 2)).toEqual([
      ['revise', 2],
      ['propose', 1],
    ]);
  }, 60_000);

  it('is dead when another revision came first, or when it is withdrawn', async () => {
    const id = await begin();
    await edit(id, LOOSER);
    expect(await edit(id, TIGHTER)).toMatchObject({ edited: { outcome: 'in-force', revision: 3 } });
    expect(await approve(id, 2, 'qa-lead')).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('revision 3 is in force'),
    });
    await fleet.rollouts.settle(id, { verb: 'withdraw', number: 2, actor: 'engineer', reason: 'not needed' });
    expect((await view(id)).revisions.map(({ state }) => state)).toEqual(['replaced', 'withdrawn', 'in-force']);
    expect(await approve(id, 2, 'qa-lead')).toMatchObject({ kind: 'refused' });
  }, 60_000);
});

describe('what is refused', () => {
  it('names it: another base, the cohort, mistakes, nothing new, a rollout that is over', async () => {
    const id = await begin();
    expect(await edit(id, TIGHTER, { baseRevision: 7 })).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('revision 1 is in force'),
    });
    expect(await edit(id, FILE.replace('fixed:r1', 'fixed:r2'))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('cohort'),
    });
    expect(await edit(id, FILE.replace('25,', '10,'))).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('told already'),
    });
    expect(await edit(id, 'kind: x')).toMatchObject({ kind: 'invalid' });
    expect(await edit(id, FILE)).toMatchObject({ kind: 'refused', reason: 'it says the same as the file in force' });
    expect(await edit(id, FILE.replace(SLOWER, `${SLOWER}, per: class`))).toMatchObject({ kind: 'invalid' });
    expect(await edit('nobody', FILE)).toEqual({ kind: 'not-found' });
    expect(await edit(id, TIGHTER, { dryRun: true })).toMatchObject({ edited: { outcome: 'checked' } });
    expect(await view(id)).toMatchObject({ revision: 1, revisions: [{ number: 1 }] });
    await fleet.rollouts.act(id, 'rollback', { actor: 'on-call', reason: 'enough' });
    expect(await edit(id, TIGHTER)).toMatchObject({ kind: 'refused', reason: expect.stringContaining('rolling back') });
  }, 60_000);
});
