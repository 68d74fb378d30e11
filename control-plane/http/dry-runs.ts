// What can be tried: for each such route, who works out what would happen. Translation only.
import type { z } from 'zod';
import type { DryRun } from '../../shared/protocol/api-dry-run.ts';
import type { killBodySchema } from '../../shared/protocol/api-kills.ts';
import type { releaseStateBodySchema } from '../../shared/protocol/api-releases.ts';
import type { RolloutActBody, RolloutVerb, rolloutStartBodySchema } from '../../shared/protocol/api-rollouts.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';
import { count, countForeseen, describeCount, type ForeseenDevice } from '../core/foreseen.ts';
import { findQuarantined } from '../devices/lift-quarantine.ts';
import { blastRadius } from '../kill-switch/blast-radius.ts';
import type { ScopeLookup } from '../kill-switch/resolve-scope.ts';
import type { Rooms } from '../rooms.ts';
import { demandOnRollout } from './authenticate.ts';
import type { Foresees } from './dry-run.ts';
import { ProblemError } from './problems.ts';
import { foreseeDuty } from './routes/duty.ts';
import { demandKill, resolve as resolveScope } from './routes/kills.ts';
import { findRelease } from './routes/releases.ts';
import { demandOnItsSites, invalidFile } from './routes/rollouts.ts';

export type DryRunParts = Pick<
  Rooms,
  'registry' | 'presence' | 'killSwitch' | 'rollouts' | 'foresight' | 'devices' | 'duty' | 'wallNow'
> & { readonly lookUp: ScopeLookup };

/** By method and address as registered; see TRIED in effects.ts. */
export function dryRuns(parts: DryRunParts): Readonly<Record<string, Foresees>> {
  return {
    'POST /v1/kills': async (request) => {
      const scope = await resolveScope(parts.lookUp, (request.body as z.infer<typeof killBodySchema>).scope);
      await demandKill(request, scope);
      return foreseeKill(parts, scope);
    },
    'POST /v1/kills/:id/rearm': async ({ params }) => foreseeRearm(parts, idOf(params)),
    'POST /v1/rollouts': async (request) => {
      const body = request.body as z.infer<typeof rolloutStartBodySchema>;
      await demandOnItsSites(request, parts.rollouts, body.file);
      return foreseeStart(parts, body);
    },
    'POST /v1/rollouts/:id/:verb': async (request) => {
      const { params, body } = request;
      const { id, verb } = params as { readonly id: string; readonly verb: RolloutVerb };
      if (verb === 'approve') await demandOnRollout(request, 'approve', id);
      const foreseen = await parts.rollouts.foresee(id, verb, body as RolloutActBody);
      if (foreseen === null) throw new ProblemError('not-found', `no rollout is called "${id}"`);
      return foreseen;
    },
    'POST /v1/releases/:digest/state': async ({ params, body }) => {
      const { digest } = params as { readonly digest: string };
      return foreseeState(parts, digest, body as z.infer<typeof releaseStateBodySchema>);
    },
    'POST /v1/devices/:site/:device/:verb': async ({ params, body }) => foreseeDuty(parts, params, body),
    'POST /v1/devices/:site/:device/lift': async ({ params, body }) =>
      foreseeLift(
        parts,
        params as { readonly site: string; readonly device: string },
        (body as { readonly release?: string }).release ?? null,
      ),
  };
}

function idOf(params: unknown): string {
  return (params as { readonly id: string }).id;
}

const NOTHING: DryRun = {
  dryRun: true,
  sentence: '',
  refusals: [],
  sites: [],
  moves: [],
  notes: [],
  plan: null,
  outlook: null,
};

/** From memory, as the kill itself. */
function foreseeKill({ presence, killSwitch, wallNow }: DryRunParts, scope: KillScope): DryRun {
  return blastRadius({
    scope,
    devices: presence.list(),
    isOnline: (device) => presence.isOnline(device, wallNow()),
    active: killSwitch.active(),
  });
}

/** Whoever the kill holds back may answer with the candidate again once its rollout says so. */
async function foreseeRearm({ presence, killSwitch, wallNow }: DryRunParts, id: string): Promise<DryRun> {
  const kill = killSwitch.get(id);
  if (kill === null) throw new ProblemError('not-found', `no kill is called "${id}"`);
  const refusals = kill.active ? [] : [`it was re-armed by ${kill.clearedBy} already`];
  const held = presence.list().filter(({ desiredCandidate, ...address }) => {
    return desiredCandidate !== null && killSwitch.reaching(address).some((one) => one.id === id);
  });
  const others = (device: (typeof held)[number]) => killSwitch.reaching(device).some((one) => one.id !== id);
  const devices = held.map((device): ForeseenDevice => {
    const to = device.desiredCandidate?.release ?? null;
    const isChanging = !others(device);
    return {
      site: device.site,
      online: presence.isOnline(device, wallNow()),
      from: device.serving?.release ?? null,
      to,
      isChanging,
    };
  });
  return {
    ...NOTHING,
    refusals,
    sentence: kill.active
      ? `The kill ends; ${describeCount(devices.filter(({ isChanging }) => isChanging))} may have a candidate again, when its rollout goes on.`
      : 'Nothing: the kill is not in force any more.',
    ...countForeseen(devices),
  };
}

async function foreseeStart(
  { rollouts, foresight }: DryRunParts,
  body: z.infer<typeof rolloutStartBodySchema>,
): Promise<DryRun> {
  const foreseen = await rollouts.foreseeStart(body);
  if (foreseen.kind === 'invalid') throw invalidFile(foreseen.problems);
  const { plan, refusals } = foreseen;
  const devices = plan.devices.map(({ site, online, pin, baseline }): ForeseenDevice => {
    const isChanging = pin !== 'baseline' && baseline !== null;
    return { site, online, from: baseline?.release ?? null, to: plan.candidate.release, isChanging };
  });
  const { outlook } = await foresight.plan(body.file);
  const [first] = plan.stages;
  const what = `${describeCount(devices)}, beginning with ${count(first?.devices ?? 0, 'device')} in stage ${first?.name}`;
  return {
    ...NOTHING,
    refusals: [...refusals],
    sentence:
      refusals.length > 0
        ? `It would not start: ${refusals.join('; ')}.`
        : `It would take ${plan.candidate.release} to ${what}.`,
    ...countForeseen(devices),
    notes: plan.closed === null ? [] : [`it would wait: ${plan.closed}`],
    plan,
    outlook,
  };
}

async function foreseeState(
  { registry, devices }: DryRunParts,
  digest: string,
  { state }: z.infer<typeof releaseStateBodySchema>,
): Promise<DryRun> {
  const release = await findRelease(registry, digest);
  const kept = state === 'archived' ? await registry.whyKept(digest) : null;
  const running = (await devices.list()).filter(({ reported }) => reported?.serving?.digest === digest);
  const here = running.map(({ site, online }): ForeseenDevice => {
    return { site, online, from: release.id, to: release.id, isChanging: false };
  });
  return {
    ...NOTHING,
    refusals: kept === null ? [] : [kept],
    sentence: `${release.id} goes from ${release.state} to ${state}; ${describeCount(here)} answer with it and go on doing so.`,
    ...countForeseen(here),
    notes:
      state === 'registered' ? [] : ['no rollout can start with it any more', 'to take it off devices: belay kill'],
  };
}

async function foreseeLift(
  { devices }: DryRunParts,
  address: { readonly site: string; readonly device: string },
  wanted: string | null,
): Promise<DryRun> {
  const known = await devices.get(address);
  const name = `${address.site}/${address.device}`;
  if (known === null) throw new ProblemError('not-found', `no device ${name} was ever heard`);
  const lifted = findQuarantined(known.reported?.quarantine ?? [], wanted);
  if (lifted.length === 0)
    throw new ProblemError('not-found', `${name} has reported nothing of the kind in quarantine`);
  const refusals = known.desired === null ? [`nothing is desired of ${name} yet, so no order can say it`] : [];
  const here = [{ site: address.site, online: known.online, from: null, to: null, isChanging: false }];
  const names = lifted.map(({ release }) => release).join(', ');
  return { ...NOTHING, refusals, sentence: `${name} may try ${names} again.`, ...countForeseen(here) };
}
