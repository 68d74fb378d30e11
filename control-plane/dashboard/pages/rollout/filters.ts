// What the address says about what is shown: filters of the list and of the devices of a rollout. The address is the only state.
import { type Address, endpoint } from '../../../../shared/protocol/address.ts';
import type { RolloutSummary, RolloutView } from '../../../../shared/protocol/api-rollouts.ts';

export type Query = Readonly<Record<string, string | undefined>>;

/** Sets and (with '') removes; everything else of the query stays. */
export function withQuery(path: string, query: Query, change: Query): string {
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, ...change })) if (value) next.set(name, value);
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Of one page of the list. */
const PAGE_ROLLOUTS = 100;

/** The question to the API: which page, and only those under way where no others are wanted. */
export function listAddress({ state, cursor }: Query): Address<'GET /v1/rollouts'> {
  const active = state === 'open' || state === 'needs a person' ? 'active' : '';
  return endpoint('GET /v1/rollouts', { limit: PAGE_ROLLOUTS, state: active, cursor });
}

/** `3 of 7`, and that there are other pages. */
export function countText(shown: number, read: number, otherPages: unknown): string {
  return `${shown} of ${read}${otherPages ? ' on this page' : ''}`;
}

export const LIST_STATES = ['open', 'needs a person', 'ended'] as const;

const NEEDS_PERSON: readonly RolloutSummary['state'][] = ['awaiting_approval', 'holding'];

/** A release is found by any part of its name; an unknown word of `state` shows all. */
export function filterRollouts(rollouts: readonly RolloutSummary[], query: Query): readonly RolloutSummary[] {
  const { state = '', site = '', release = '' } = query;
  return rollouts.filter(
    (rollout) =>
      isInState(rollout, state) &&
      (site === '' || rollout.sites.includes(site)) &&
      rollout.candidate.release.toLowerCase().includes(release.trim().toLowerCase()),
  );
}

function isInState({ state, endedAtMs }: RolloutSummary, wanted: string): boolean {
  if (wanted === 'open') return endedAtMs === null;
  if (wanted === 'ended') return endedAtMs !== null;
  if (wanted === 'needs a person') return NEEDS_PERSON.includes(state);
  return true;
}

export function sitesOf(rollouts: readonly RolloutSummary[]): readonly string[] {
  return [...new Set(rollouts.flatMap(({ sites }) => sites))].sort();
}

export type ShownDevice = RolloutView['devices'][number];

/** `q`: a part of its name or of what it says. */
export function filterDevices(devices: readonly ShownDevice[], query: Query): readonly ShownDevice[] {
  const { site = '', hw = '', arm = '', q = '' } = query;
  const words = q.trim().toLowerCase();
  return devices.filter(
    (device) =>
      (site === '' || device.site === site) &&
      (hw === '' || device.hardwareClass === hw) &&
      (arm === '' || (arm === 'trouble' ? isTroubled(device) : device.arm === arm)) &&
      `${device.site}/${device.device} ${device.detail}`.toLowerCase().includes(words),
  );
}

/** It shall have the candidate and does not, or went back. */
export function isTroubled({ reverted, role, exposed, online }: ShownDevice): boolean {
  return reverted || (role !== 'none' && (!exposed || !online));
}

/** Trouble first, then by name. */
export function sortDevices(devices: readonly ShownDevice[]): readonly ShownDevice[] {
  const rank = (device: ShownDevice) => (isTroubled(device) ? 0 : device.arm === 'candidate' ? 1 : 2);
  const name = ({ site, device }: ShownDevice) => `${site}/${device}`;
  return devices.toSorted((a, b) => rank(a) - rank(b) || (name(a) < name(b) ? -1 : 1));
}
