// Who sent a request, as routes see it.
import type { Grant, Identity } from '../../shared/protocol/api-identity.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';

export type Caller = Identity & {
  /** For people: the session. For tokens: their id and their name. */
  readonly by:
    | { readonly kind: 'session'; readonly hash: string; readonly endsAtMs: number }
    | { readonly kind: 'token'; readonly id: string; readonly name: string; readonly endsAtMs: number }
    | { readonly kind: 'device'; readonly address: DeviceAddress }
    | { readonly kind: 'none' };
};

const EVERYTHING: Grant[] = [{ role: 'admin', sites: '*' }];

/** May nothing; what a request is before anybody is known. */
export const NOBODY: Caller = { name: 'nobody', kind: 'nobody', grants: [], mayKill: false, by: { kind: 'none' } };

/** Whoever sits at the machine of a control plane where nobody signs in (`signIn: open`). */
export const ANYBODY: Caller = {
  name: 'operator',
  kind: 'nobody',
  grants: EVERYTHING,
  mayKill: true,
  by: { kind: 'none' },
};

export function deviceCaller(address: DeviceAddress): Caller {
  const name = `device/${address.site}/${address.device}`;
  return { name, kind: 'device', grants: [], mayKill: false, by: { kind: 'device', address } };
}
