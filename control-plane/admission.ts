// What the HTTP door is opened with: people by the identity room, devices by the password of their place. Nothing is stored here.
import { isAdmitted } from './devices/admitted.ts';
import { type Access, openAccess } from './http/access.ts';
import { openSitesOf, openTouchedSites } from './http/touched-sites.ts';
import type { Rooms } from './rooms.ts';

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
