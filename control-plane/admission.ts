// Who is let in: devices by the password of their place, over both doors; people by the identity room. Nothing is stored here.
import { nameSchema } from '../shared/basics/identifiers.ts';
import type { DeviceAddress } from '../shared/protocol/topics.ts';
import { type Access, openAccess } from './http/access.ts';
import { openSitesOf, openTouchedSites } from './http/touched-sites.ts';
import type { Principal } from './messaging/messaging.ts';
import type { Rooms } from './rooms.ts';
import { isDevicePassword } from './signing/signing.ts';

export function accessTo({ config, identity, signing, database, killSwitch, duty }: Rooms): Access {
  const sitesOf = openSitesOf(database);
  return openAccess({
    signIn: config.signIn,
    publicUrl: config.publicUrls.http,
    identity,
    isDevice: (address, password) => isAdmitted({ signing, duty }, address, password),
    sitesOf,
    touched: openTouchedSites(sitesOf, (id) => killSwitch.get(id)?.scope ?? null),
  });
}

/** Client id = device, user name = site, password derived from both. */
export function authenticate(
  rooms: Pick<Rooms, 'signing' | 'duty'>,
  claim: { readonly clientId: string; readonly username: string | null; readonly password: Buffer | null },
): Principal | null {
  const site = nameSchema.safeParse(claim.username);
  const device = nameSchema.safeParse(claim.clientId);
  if (!site.success || !device.success || claim.password === null) return null;
  const address = { site: site.data, device: device.data };
  return isAdmitted(rooms, address, claim.password) ? { kind: 'device', ...address } : null;
}

/** Who has retired is let in nowhere, whatever it knows. */
function isAdmitted(
  { signing, duty }: Pick<Rooms, 'signing' | 'duty'>,
  address: DeviceAddress,
  password: Uint8Array,
): boolean {
  if (duty.isRetired(address)) return false;
  return isDevicePassword(signing.deviceSecret, address, password, duty.passwordEpoch(address));
}
