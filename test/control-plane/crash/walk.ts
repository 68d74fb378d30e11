// Every step of a rollout's life, each with a kill -9 at it: a sound candidate to its end, a bad one back and verified, and one
// that people kill, re-arm and end. What is waited for is seen from outside, so a kill falls on its step and not near it.
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import type { ReleaseRef } from '../../../shared/protocol/documents.ts';
import type { CrashRig, Sighting, When } from './crash-rig.ts';
import { APPROVER, type LastStage, OPERATOR, rolloutText, STARTER } from './rollout-text.ts';

type Started = { readonly id: string; readonly candidate: ReleaseRef };

type StartAsk = { when: When; promote: LastStage; supersede?: boolean };

export async function startOne(rig: CrashRig, name: string, ask: StartAsk): Promise<Started> {
  const candidate = await rig.nextRelease();
  const { supersede = false } = ask;
  const body = { file: rolloutText(name, candidate, ask.promote), actor: STARTER, supersede };
  const { answered, text } = await rig.ask(`start ${name}`, { path: '/v1/rollouts', body, when: ask.when });
  if (answered === 'refused') throw new Error(`${name} was not started: ${text}`);
  const started = rig.record().rollouts.at(-1);
  if (!started) throw new Error(`${name} is not on record`);
  return { id: started.id, candidate };
}

export async function act(
  rig: CrashRig,
  id: string,
  verb: string,
  more: { when: When; body?: object },
): Promise<string> {
  const actor = verb === 'approve' ? APPROVER : OPERATOR;
  const body = { actor, ...more.body };
  return (await rig.ask(verb, { path: `/v1/rollouts/${id}/${verb}`, body, when: more.when })).answered;
}

/** Right after a start devices may still be away, and what was ready is not: then a person waits and asks again. */
const INSIST_MAX = 8;

/** Asks for it, whenever the rollout is so, until it is granted. */
async function must(rig: CrashRig, id: string, verb: string, { when, ready }: Must): Promise<void> {
  for (let asked = 0; asked < INSIST_MAX; asked += 1) {
    if (ready) await rig.await(`ready to ${verb}`, id, ready);
    if ((await act(rig, id, verb, { when: asked === 0 ? when : 'never' })) !== 'refused') return;
  }
  throw new Error(`seed ${rig.seed}: ${verb} was refused ${INSIST_MAX} times`);
}

type Must = { readonly when: When; readonly ready?: (view: RolloutView) => boolean };
const awaitsApproval = ({ state }: RolloutView): boolean => state === 'awaiting_approval';

const moved = (decision: string, to: string) => (sighting: Sighting) =>
  sighting.kind === 'log' &&
  sighting.line.msg === 'rollout moved' &&
  sighting.line.decision === decision &&
  sighting.line.to === to;
const told = (candidate: ReleaseRef) => (sighting: Sighting) =>
  sighting.kind === 'desired' && sighting.desired.candidate?.digest === candidate.digest;
/** A device is told to go on without the candidate, on this baseline. */
const told0 = (baseline: string) => (sighting: Sighting) =>
  sighting.kind === 'desired' && sighting.desired.candidate === null && sighting.desired.baseline.digest === baseline;
const serves = (digest: string) => (sighting: Sighting) =>
  sighting.kind === 'taken' && sighting.device.serving.digest === digest;
const shows = (holds: (view: RolloutView) => boolean) => (sighting: Sighting) =>
  sighting.kind === 'view' && holds(sighting.view);
const isIn = (stage: string, phase: string) => (view: RolloutView) => view.stage === stage && view.phase === phase;

/** From nothing to everybody's committed release. */
export async function walkSound(rig: CrashRig): Promise<void> {
  const { id, candidate } = await startOne(rig, 'sound', { when: 'blocked', promote: 'auto' });
  await rig.crashAt('first stage told to its first device', id, told(candidate));
  await rig.crashAt('a device of the first stage reports it', id, serves(candidate.digest));
  await rig.crashAt('first stage bakes', id, shows(isIn('half', 'baking')));
  await must(rig, id, 'hold', { when: 'in-flight' });
  await must(rig, id, 'resume', { when: 'answered' });
  await rig.crashAt('it waits for an approval', id, shows(awaitsApproval));
  await must(rig, id, 'approve', { when: 'in-flight', ready: awaitsApproval });
  await rig.await('promoted', id, ({ stage }) => stage === 'full');
  await rig.crashAt('last stage told', id, told(candidate));
  await must(rig, id, 'hold', { when: 'answered' });
  await must(rig, id, 'resume', { when: 'in-flight' });
  await rig.crashAt('completion decided', id, moved('complete', 'running'));
  await rig.crashAt('first device commits', id, told0(candidate.digest));
  await rig.crashAt('completed', id, moved('complete', 'completed'));
  await rig.await('it is over', id, ({ state }) => state === 'completed');
  await rig.awaitObedience();
}

/** Its frames fail: back by the guardrail, verified, with its incident. */
export async function walkBad(rig: CrashRig): Promise<void> {
  const { id, candidate } = await startOne(rig, 'bad', { when: 'answered', promote: 'auto' });
  rig.spoil(candidate);
  const [device] = rig.devices;
  const baseline = device?.committed.digest ?? '';
  await rig.crashAt('the breach is decided on', id, moved('rollback', 'rolling_back'));
  await rig.crashAt('the first device is told to go back', id, told0(baseline));
  await rig.crashAt('a device reports that it is back', id, serves(baseline));
  await rig.crashAt(
    'it is verified',
    id,
    shows(({ status }) => status.includes('verifying')),
  );
  // Seen as it is written, or on a busy machine right after: the restart before it may have taken longer than what was left.
  const [isWritten, isShown] = [moved('rollback', 'rolled_back'), shows(({ state }) => state === 'rolled_back')];
  await rig.crashAt('the rollback has ended', id, (sighting) => isWritten(sighting) || isShown(sighting));
  await rig.await('it is over', id, ({ state }) => state === 'rolled_back');
  const incident = rig.record().incidents.find(({ rollout_id }) => rollout_id === id);
  if (!incident) throw new Error('the rollback has no incident');
  for (const when of ['in-flight', 'answered'] as const) {
    const note = { path: `/v1/incidents/${incident.id}/annotate`, body: { actor: OPERATOR }, when };
    await rig.ask('annotate', { ...note, reasonIn: 'text' });
  }
  await rig.awaitObedience();
}

/** Killed, re-armed, ended by people. */
export async function walkKilled(rig: CrashRig): Promise<void> {
  const { id, candidate } = await startOne(rig, 'killed', { when: 'in-flight', promote: 'manual' });
  await rig.await('bakes', id, ({ phase }) => phase === 'baking');
  await killAndRearm(rig, id, { kill: 'in-flight', rearm: 'in-flight' });
  await rig.await('held for the kill', id, ({ state }) => state === 'holding');
  await must(rig, id, 'resume', { when: 'never' });
  await killAndRearm(rig, id, { kill: 'blocked', rearm: 'answered' });
  await must(rig, id, 'resume', { when: 'never' });
  await must(rig, id, 'approve', { when: 'answered', ready: awaitsApproval });
  await rig.await('last stage', id, isIn('full', 'baking'));
  await must(rig, id, 'abort', { when: 'in-flight' });
  await rig.crashAt('it has ended', id, moved('rollback', 'aborted'));
  await rig.await('it is over', id, ({ state }) => state === 'aborted');
  await rig.awaitObedience();
  if (rig.devices.some(({ serving }) => serving.digest === candidate.digest)) throw new Error('a device kept it');
}

/** Another candidate of the same model takes its place: everybody back first, then the other begins. */
export async function walkSuperseded(rig: CrashRig): Promise<void> {
  const first = await startOne(rig, 'first', { when: 'never', promote: 'manual' });
  await rig.await('bakes', first.id, ({ phase }) => phase === 'baking');
  const second = await startOne(rig, 'second', { when: 'in-flight', promote: 'manual', supersede: true });
  await rig.crashAt('the first has made way', first.id, moved('rollback', 'superseded'));
  await rig.await('it is over', first.id, ({ state }) => state === 'superseded');
  await rig.crashAt('the second is told to its first device', second.id, told(second.candidate));
  await rig.await('the second bakes', second.id, ({ phase }) => phase === 'baking');
  await must(rig, second.id, 'abort', { when: 'answered' });
  await rig.await('it is over', second.id, ({ state }) => state === 'aborted');
  await rig.awaitObedience();
}

async function killAndRearm(rig: CrashRig, id: string, when: { kill: When; rearm: When }): Promise<void> {
  const scope = { kind: 'rollout', rolloutId: id };
  await rig.ask('kill', { path: '/v1/kills', body: { actor: OPERATOR, scope }, when: when.kill });
  const kill = await rig.await('killed', id, ({ killed, state }) => killed !== null && state === 'holding');
  if (rig.devices.some(({ serving }) => serving.digest === kill.candidate.digest))
    await rig.crashAt('a device obeys the kill', id, (sighting) => sighting.kind === 'kill');
  const killId = await rig.newestKill();
  await rig.ask('rearm', { path: `/v1/kills/${killId}/rearm`, body: { actor: OPERATOR }, when: when.rearm });
  await rig.await('re-armed', id, ({ killed }) => killed === null);
}
