// The acts of the demo. Each drives the real fleet through the HTTP API, says what happens as it happens, and ends with an
// outcome that names what was expected and what was seen: nothing is staged beyond the compressed bake times.
import { setTimeout as wait } from 'node:timers/promises';
import { endpoint } from '../../shared/protocol/address.ts';
import { incidentListSchema } from '../../shared/protocol/api-incidents.ts';
import { type KillResult, killSchema } from '../../shared/protocol/api-kills.ts';
import { type RolloutView, rolloutViewSchema } from '../../shared/protocol/api-rollouts.ts';
import { type Fleet, until } from '../fleet/fleet.ts';
import type { Narrator } from './narrator.ts';
import { readRolloutFile } from './stage.ts';

export type Outcome = {
  readonly act: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
  readonly seconds: number;
};

type Act = (fleet: Fleet, narrator: Narrator) => Promise<Omit<Outcome, 'seconds'>>;

const ACTOR = 'demo';
const POLL_MS = 300;
const ROLLOUT_DEADLINE_MS = 240_000;
const ABORT_DEADLINE_MS = 30_000;
const KILL_DEADLINE_MS = 30_000;
const RESTART_DEADLINE_MS = 30_000;

/** `needsPast`: it is judged by what each device did before, so the line runs on its baseline for a while first. */
export const ACTS: readonly { readonly title: string; readonly needsPast: boolean; readonly play: Act }[] = [
  { title: 'Act 1 · cv-detector:2.0.0, a better model, climbs to 100 %', needsPast: true, play: goodRollout },
  {
    title: 'Act 2 · cv-detector:2.1.0 misses small cracks while its mAP looks fine',
    needsPast: false,
    play: crackBlindRollout,
  },
  { title: 'Act 3 · cv-detector:2.3.0 is right, and three times as slow', needsPast: true, play: slowRollout },
  { title: 'Act 4 · kill --all while the whole fleet serves a candidate', needsPast: false, play: killSwitch },
];

async function goodRollout(fleet: Fleet, narrator: Narrator): Promise<Omit<Outcome, 'seconds'>> {
  const id = await startRollout(fleet, 'demo-good.yaml');
  const view = await followRollout(fleet, narrator, id, (current) => isOver(current));
  const devices = await fleet.devices();
  const committed = devices.filter((device) => device.reported?.committed?.digest === view.candidate.digest).length;
  return {
    act: '2.0.0 good',
    expected: 'completes, every device commits it',
    seen: `${view.state}, ${committed} of ${fleet.agents.length} devices committed ${view.candidate.release}`,
    ok: view.state === 'completed' && committed === fleet.agents.length,
  };
}

async function crackBlindRollout(fleet: Fleet, narrator: Narrator): Promise<Omit<Outcome, 'seconds'>> {
  const id = await startRollout(fleet, 'demo-crack-blind.yaml');
  const view = await followRollout(fleet, narrator, id, (current) => isOver(current));
  const verdict = view.guardrails.find((item) => item.verdict === 'breach');
  const served = view.decisions.some((decision) =>
    view.stages.some((stage) => stage.name === decision.stage && stage.mode === 'serve'),
  );
  return {
    act: '2.1.0 crack-blind',
    expected: 'stopped in shadow by lost micro-cracks, before it answers a frame',
    seen: `${view.state}${verdict ? `: ${verdict.sentence}` : ''}; ${await leftBehind(fleet, narrator, view)}`,
    ok: view.state === 'rolled_back' && !served && verdict?.title.includes('micro-crack') === true,
  };
}

async function slowRollout(fleet: Fleet, narrator: Narrator): Promise<Omit<Outcome, 'seconds'>> {
  const id = await startRollout(fleet, 'demo-slow.yaml');
  const view = await followRollout(fleet, narrator, id, (current) => isOver(current));
  const verdict = view.guardrails.find((item) => item.verdict === 'breach');
  return {
    act: '2.3.0 slow',
    expected: 'rolled back by latency on devices that serve it',
    seen: `${view.state}${verdict ? `: ${verdict.sentence}` : ''}; ${await leftBehind(fleet, narrator, view)}`,
    ok: view.state === 'rolled_back' && verdict !== undefined && /latency/.test(`${verdict.title} ${verdict.sentence}`),
  };
}

/** What is left after a rollback: whether it was verified, and the incident note that was written. */
async function leftBehind(fleet: Fleet, narrator: Narrator, view: RolloutView): Promise<string> {
  const { incidents } = await fleet.api.ask(endpoint('GET /v1/incidents', { rollout: view.id }), incidentListSchema);
  const [incident] = incidents;
  if (incident) narrator.say(`incident note ${incident.id}: belay incident export ${incident.id}`);
  return view.verification?.sentence ?? 'not verified';
}

/** Everyone serves a candidate; one agent is killed with SIGKILL just before the flag goes up, and restarted after it. */
async function killSwitch(fleet: Fleet, narrator: Narrator): Promise<Omit<Outcome, 'seconds'>> {
  const id = await startRollout(fleet, 'demo-kill.yaml');
  const total = fleet.agents.length;
  const view = await followRollout(
    fleet,
    narrator,
    id,
    (current) => isOver(current) || servingShare(current) === total,
  );
  if (servingShare(view) !== total)
    return {
      act: 'kill --all',
      expected: 'the whole fleet serves the candidate first',
      seen: `${view.state}: ${view.status}`,
      ok: false,
    };
  const victim = fleet.agents.at(-1);
  if (!victim) throw new Error('a fleet without agents');
  narrator.say(`SIGKILL to the agent of ${victim.site}/${victim.device}, then: belay kill --all`, 'yellow');
  victim.program.kill('SIGKILL');
  await victim.program.ended;
  const raised = await fleet.api.ask(endpoint('POST /v1/kills'), killSchema, {
    scope: { kind: 'fleet' },
    reason: 'demo: everything on trial off',
    actor: ACTOR,
  });
  const first = await followKill(fleet, narrator, raised.id, total - 1);
  narrator.say(`the agent of ${victim.site}/${victim.device} starts again; the kill is still in force`);
  fleet.restartAgent(victim.device);
  const kill = await followKill(fleet, narrator, raised.id, total);
  const back = await staysOnBaseline(fleet, victim.device, view.candidate.digest);
  const times = `p50 ${format(first.p50Ms)}, p99 ${format(first.p99Ms)}`;
  return {
    act: 'kill --all',
    expected: 'every device answers with the committed release again, also the one that was restarted',
    seen: `${kill.acknowledged} of ${total} acknowledged, flag to first baseline frame ${times}; restarted agent ${back ? 'stayed on the baseline' : 'left the baseline'}`,
    ok: kill.acknowledged === total && back,
  };
}

async function startRollout(fleet: Fleet, file: string): Promise<string> {
  const body = { file: await readRolloutFile(file), actor: ACTOR, reason: 'demo' };
  return (await fleet.api.ask(endpoint('POST /v1/rollouts'), rolloutViewSchema, body)).id;
}

function isOver(view: RolloutView): boolean {
  return ['completed', 'rolled_back', 'aborted', 'holding'].includes(view.state);
}

function servingShare(view: RolloutView): number {
  return view.devices.filter((device) => device.role === 'serve' && device.exposed).length;
}

/** Tells each new decision and each change of exposure until `done`. */
async function followRollout(
  fleet: Fleet,
  narrator: Narrator,
  id: string,
  done: (view: RolloutView) => boolean,
): Promise<RolloutView> {
  let told = 0;
  let where = '';
  const deadlineAtMs = performance.now() + ROLLOUT_DEADLINE_MS;
  for (;;) {
    const view = await fleet.api.ask(endpoint('GET /v1/rollouts/:id', { id }), rolloutViewSchema);
    const fresh = view.decisions
      .filter((decision) => decision.seq >= told && !['wait', 'start'].includes(decision.kind))
      .reverse();
    for (const decision of fresh) narrator.say(`${decision.kind}: ${decision.reason}`, TONES[decision.kind]);
    told = Math.max(told, ...view.decisions.map((decision) => decision.seq + 1));
    const now = whereItStands(view);
    if (now !== null && now !== where) narrator.say(now);
    where = now ?? where;
    if (done(view)) return view.state === 'holding' ? await giveUp(fleet, view) : view;
    if (performance.now() > deadlineAtMs)
      throw new Error(`${id} took longer than ${ROLLOUT_DEADLINE_MS / 1000} s; it stands at: ${view.status}`);
    await wait(POLL_MS);
  }
}

/** Null: the decisions say it. */
function whereItStands({ state, status, stage, exposure }: RolloutView): string | null {
  if (state === 'running') return `${stage}: ${exposure.exposed} of ${exposure.assigned} devices have the candidate`;
  return state === 'rolling_back' && status.includes('verifying')
    ? 'every device answers with its own release again; is it as fast as before?'
    : null;
}

/** A rollout that waits for a person would block the next act: it is ended, and the act is told as it was. */
async function giveUp(fleet: Fleet, view: RolloutView): Promise<RolloutView> {
  const body = { actor: ACTOR, reason: 'demo: nobody is here to look at it' };
  await fleet.api.ask(endpoint('POST /v1/rollouts/:id/:verb', { id: view.id, verb: 'abort' }), rolloutViewSchema, body);
  await until(async () => {
    const { state } = await fleet.api.ask(endpoint('GET /v1/rollouts/:id', { id: view.id }), rolloutViewSchema);
    return state === 'aborted' || state === 'rolled_back';
  }, ABORT_DEADLINE_MS);
  return view;
}

const TONES: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = {
  promote: 'green',
  complete: 'green',
  rollback: 'red',
  hold: 'yellow',
  extend: 'yellow',
};

async function followKill(fleet: Fleet, narrator: Narrator, id: string, acknowledgements: number): Promise<KillResult> {
  let kill = await fleet.api.ask(endpoint('GET /v1/kills/:id', { id }), killSchema);
  await until(
    async () => {
      kill = await fleet.api.ask(endpoint('GET /v1/kills/:id', { id }), killSchema);
      return kill.acknowledged >= acknowledgements;
    },
    KILL_DEADLINE_MS,
    50,
  );
  narrator.say(
    `${kill.acknowledged} of ${kill.sent} devices answered with an allowed release: p50 ${format(kill.p50Ms)}, p99 ${format(kill.p99Ms)} after the flag`,
    'green',
  );
  for (const device of kill.stragglers) narrator.say(`no answer yet: ${device.site}/${device.device}`, 'red');
  return kill;
}

async function staysOnBaseline(fleet: Fleet, device: string, killedDigest: string): Promise<boolean> {
  const find = async () => (await fleet.devices()).find((candidate) => candidate.device === device);
  const isBack = await until(async () => {
    const found = await find();
    return found?.online === true && (found.reported?.servedFrames ?? 0) > 0;
  }, RESTART_DEADLINE_MS);
  const serving = (await find())?.reported?.serving?.digest;
  return isBack && serving !== undefined && serving !== killedDigest;
}

function format(ms: number | null): string {
  return ms === null ? '–' : `${Math.round(ms)} ms`;
}
