// Who sent a request: a session's cookie, an API token, a device's password, or nobody. Reads headers and the books of the
// identity room, which are in memory: it works while the database does not. Nothing is allowed or refused here.
import type { FastifyRequest } from 'fastify';
import { readDeviceAuthorization } from '../../shared/protocol/device-authorization.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { ANYBODY, type Caller, deviceCaller } from '../identity/caller.ts';
import type { IdentityRoom } from '../identity/identity.ts';
import { SESSION_COOKIE } from './cookies.ts';
import type { SitesOf, TouchedSites } from './touched-sites.ts';

export type Asking =
  | { readonly kind: 'known'; readonly caller: Caller; readonly csrf: string | null }
  | { readonly kind: 'nobody' }
  /** Something was shown, and it is not good. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What the hooks of every route ask. */
export type Access = {
  readonly signIn: 'required' | 'open';
  /** Of `publicUrls.http`, where the control plane is reached by another name than it listens on. */
  readonly publicOrigin: string | null;
  whoAsks(request: FastifyRequest): Asking;
  readonly touched: TouchedSites;
  readonly sitesOf: SitesOf;
};

export type AccessParts = {
  readonly signIn: 'required' | 'open';
  readonly publicUrl?: string | undefined;
  readonly identity: Pick<IdentityRoom, 'whoHasSession' | 'whoHasToken'>;
  /** Whether this is the password of a device that may come in. */
  readonly isDevice: (address: DeviceAddress, password: Uint8Array) => boolean;
  readonly touched: TouchedSites;
  readonly sitesOf: SitesOf;
};

export function openAccess({ signIn, publicUrl, identity, isDevice, touched, sitesOf }: AccessParts): Access {
  const publicOrigin = publicUrl === undefined ? null : new URL(publicUrl).origin;
  return {
    signIn,
    publicOrigin,
    touched,
    sitesOf,
    whoAsks: ({ headers: { authorization }, cookies }) => {
      if (authorization !== undefined) return byAuthorization({ identity, isDevice }, authorization);
      const secret = cookies[SESSION_COOKIE];
      if (!secret) return nobody(signIn);
      const found = identity.whoHasSession(secret);
      if (found) return { kind: 'known', ...found };
      return signIn === 'open' ? nobody(signIn) : { kind: 'refused', reason: 'the session has ended' };
    },
  };
}

/** Everything for everybody: for servers without accounts, on this machine alone. Who may do everything is never asked where. */
export function openToAnybody(): Access {
  const none = async () => [];
  const noMap = async () => new Map<string, string>();
  const lists = { rolloutsOn: async () => new Set<string>(), rolloutsOfIncidents: noMap, sitesOfDrills: noMap };
  const sitesOf: SitesOf = { ...lists, rollout: none, incident: none, kill: none, drill: none };
  return { signIn: 'open', publicOrigin: null, touched: async () => 'none', sitesOf, whoAsks: () => nobody('open') };
}

function nobody(signIn: 'required' | 'open'): Asking {
  return signIn === 'open' ? { kind: 'known', caller: ANYBODY, csrf: null } : { kind: 'nobody' };
}

function byAuthorization({ identity, isDevice }: Pick<AccessParts, 'identity' | 'isDevice'>, header: string): Asking {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(header.trim()) ?? [];
  if (scheme.toLowerCase() === 'bearer') {
    const caller = identity.whoHasToken(value);
    if (caller) return { kind: 'known', caller, csrf: null };
    return { kind: 'refused', reason: 'the token is unknown, expired or revoked, or its owner is disabled' };
  }
  if (scheme.toLowerCase() === 'basic') return byDevicePassword(isDevice, value);
  return {
    kind: 'refused',
    reason: 'the Authorization header is neither "Bearer <token>" nor "Basic <site/device:password>"',
  };
}

function byDevicePassword(isDevice: AccessParts['isDevice'], encoded: string): Asking {
  const read = readDeviceAuthorization(encoded);
  if (read && isDevice(read.address, Buffer.from(read.password)))
    return { kind: 'known', caller: deviceCaller(read.address), csrf: null };
  return { kind: 'refused', reason: 'this is not the password of a device' };
}
