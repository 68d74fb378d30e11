// The routes by which a person takes a device out of rollouts and brings it back: pin, drain, retire. What leads away from a
// candidate (unpin, drain) never asks for the version that was read.
import type { z } from 'zod';
import type { DryRun } from '../../../shared/protocol/api-dry-run.ts';
import { type DutyVerb, dutyAnswerSchema, dutyBodySchema, dutyPathSchema } from '../../../shared/protocol/api-duty.ts';
import type { DeviceAddress } from '../../../shared/protocol/topics.ts';
import type { PinRelease } from '../../core/duty.ts';
import { countForeseen, type ForeseenDevice } from '../../core/foreseen.ts';
import type { DutyRequest, DutyRoom, ForeseenDuty } from '../../duty/duty.ts';
import type { KillSwitch } from '../../kill-switch/kill-switch.ts';
import type { Registry } from '../../registry/registry.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { readExpected, setVersion, staleProblem } from '../versions.ts';
import { findRelease } from './releases.ts';

export type DutyRouteParts = {
  readonly duty: DutyRoom;
  readonly registry: Registry;
  readonly killSwitch: Pick<KillSwitch, 'reaching'>;
  /** Whoever looks on sees it at once. */
  readonly onChange: (address: DeviceAddress) => void;
};

/** Against what stood there when it was read; the others lead back to the baseline, and are never too late. */
const NEEDS_VERSION: ReadonlySet<DutyVerb> = new Set(['pin', 'undrain', 'retire', 'unretire']);

export function registerDutyRoutes(app: HttpApp, parts: DutyRouteParts): void {
  app.post(
    '/v1/devices/:site/:device/:verb',
    {
      schema: {
        tags: ['devices'],
        summary: 'Pin a device to a release, drain it for maintenance, retire it; and the way back of each',
        params: dutyPathSchema,
        body: dutyBodySchema,
        response: { 200: dutyAnswerSchema },
      },
      config: {
        needs: 'operate',
        problems: ['not-found', 'conflict', 'precondition-failed', 'precondition-required', 'ambiguous-reference'],
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const expected = readExpected(request, { isRequired: NEEDS_VERSION.has(params.verb) });
      const result = await parts.duty.order(await askedOf(parts, params, body), expected);
      if (result.kind === 'not-found') throw unknownDevice(params);
      if (result.kind === 'stale') throw staleProblem(`${params.site}/${params.device}`, result);
      if (result.kind === 'refused')
        throw new ProblemError('conflict', `${params.site}/${params.device} cannot ${params.verb}: ${result.reason}`);
      parts.onChange({ site: params.site, device: params.device });
      setVersion(reply, result.answer.duty.version);
      return result.answer;
    },
  );
}

type Path = z.infer<typeof dutyPathSchema>;
type Body = z.infer<typeof dutyBodySchema>;
type Sources = Pick<DutyRouteParts, 'registry' | 'killSwitch'>;

async function askedOf(sources: Sources, path: Path, body: Body): Promise<DutyRequest> {
  const { site, device, verb } = path;
  const address = { site, device };
  if (verb === 'pin' && body.release === undefined)
    throw new ProblemError('invalid-request', 'a pin names a release', [
      { path: 'release', message: 'is missing: say which release it shall keep' },
    ]);
  const release = verb === 'pin' ? await pinOf(sources, address, body.release ?? '') : null;
  return { address, verb, release, reason: body.reason, actor: body.actor, force: body.force ?? false };
}

async function pinOf({ registry, killSwitch }: Sources, address: DeviceAddress, named: string): Promise<PinRelease> {
  const { id, digest, state, manifest } = await findRelease(registry, named);
  const isDrill = (manifest as { readonly drill?: unknown }).drill !== undefined;
  const kill = killSwitch
    .reaching(address)
    .find(({ scope }) => (scope.kind === 'release' || scope.kind === 'rollout') && scope.digest === digest);
  return { release: id, digest, state, isDrill, kill: kill ? `${kill.id}: ${kill.reason}` : null };
}

/** `?dryRun=true` */
export async function foreseeDuty(
  parts: Sources & { readonly duty: DutyRoom },
  path: unknown,
  body: unknown,
): Promise<DryRun> {
  const { site, device, verb } = path as Path;
  const request = await askedOf(parts, { site, device, verb }, body as Body);
  const foreseen = await parts.duty.foresee(request);
  if (foreseen === null) throw unknownDevice(request.address);
  const { decision, device: known, rollouts } = foreseen;
  return {
    dryRun: true,
    sentence: `${site}/${device} would ${wouldText(request, foreseen)}.`,
    refusals: decision.kind === 'refused' ? [decision.reason] : [],
    ...countForeseen([changeOf(foreseen)]),
    notes: [
      ...rollouts.map((id) => `rollout ${id} has it in its plan`),
      ...(known.online ? [] : ['it is offline, and obeys when it is back']),
    ],
    plan: null,
    outlook: null,
  };
}

function changeOf({ decision, device }: ForeseenDuty): ForeseenDevice {
  const from = device.reported?.serving?.release ?? null;
  const to = decision.kind === 'changed' ? (decision.baseline?.release ?? from) : from;
  return { site: device.site, online: device.online, from, to, isChanging: from !== to };
}

function wouldText({ verb, release }: DutyRequest, { decision }: ForeseenDuty): string {
  if (decision.kind === 'refused') return `not ${verb}: ${decision.reason}`;
  const words: Readonly<Record<DutyVerb, string>> = {
    pin: `keep ${release?.release} until it is unpinned; rollouts leave it out`,
    unpin: 'go on with the release it has, and take part in rollouts again',
    drain: 'leave its cohorts, answer with its baseline and not be judged until it is undrained',
    undrain: 'take part in rollouts again',
    retire: 'no longer be expected to report; its password would be worth nothing, its history stays',
    unretire: 'be expected again; its agent needs new credentials',
  };
  return words[verb];
}

function unknownDevice({ site, device }: DeviceAddress): ProblemError {
  return new ProblemError('not-found', `no device ${site}/${device} was ever heard`);
}
