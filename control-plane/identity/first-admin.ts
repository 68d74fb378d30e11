// The first account, and the way back in: both are for who sits at the machine. A password is returned once, to be printed.
import type { Grant } from '../../shared/protocol/api-identity.ts';
import type { IdentityRoom } from './identity.ts';
import { newPassword } from './secrets.ts';

export const FIRST_ADMIN = 'admin';
const EVERYTHING: readonly Grant[] = [{ role: 'admin', sites: '*' }];

/** Makes the account `admin` when there is no account at all; null when there is one. */
export async function makeFirstAdmin(identity: IdentityRoom): Promise<string | null> {
  return identity.accounts.list().length > 0
    ? null
    : makeAdmin(identity, 'the first account, made on the machine itself');
}

/** A new password for `admin`, who may do everything afterwards, whatever was before; its sessions end. */
export async function resetAdmin(identity: IdentityRoom): Promise<string> {
  const reason = 'a new password, made on the machine itself';
  if (identity.accounts.get(FIRST_ADMIN) === null) return makeAdmin(identity, reason);
  const password = newPassword();
  const passwordHash = await identity.hash(password);
  const change = { passwordHash, grants: EVERYTHING, mayKill: true, disabled: false, reason };
  await identity.accounts.change(FIRST_ADMIN, change, 'belay');
  await identity.sessions.endAll(FIRST_ADMIN);
  return password;
}

async function makeAdmin(identity: IdentityRoom, reason: string): Promise<string> {
  const password = newPassword();
  const passwordHash = await identity.hash(password);
  await identity.accounts.create(
    { name: FIRST_ADMIN, passwordHash, grants: EVERYTHING, mayKill: true, reason },
    'belay',
  );
  return password;
}
