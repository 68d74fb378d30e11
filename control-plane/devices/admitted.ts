// Which device may connect: by its password, and never one that has retired. Asks what is in memory alone.
import { nameSchema } from '../../shared/basics/identifiers.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { DutyRoom } from '../duty/duty.ts';
import type { Principal } from '../messaging/messaging.ts';
import { isDevicePassword, type Signing } from '../signing/signing.ts';

export type AdmissionRooms = {
  readonly signing: Pick<Signing, 'deviceSecret'>;
  readonly duty: Pick<DutyRoom, 'isRetired' | 'passwordEpoch'>;
};

/** Client id = device, user name = site, password derived from both. */
export function authenticate(
  rooms: AdmissionRooms,
  claim: { readonly clientId: string; readonly username: string | null; readonly password: Buffer | null },
): Principal | null {
  const site = nameSchema.safeParse(claim.username);
  const device = nameSchema.safeParse(claim.clientId);
  if (!site.success || !device.success || claim.password === null) return null;
  const address = { site: site.data, device: device.data };
  return isAdmitted(rooms, address, claim.password) ? { kind: 'device', ...address } : null;
}

/** Who has retired is let in nowhere, whatever it knows. */
export function isAdmitted({ signing, duty }: AdmissionRooms, address: DeviceAddress, password: Uint8Array): boolean {
  if (duty.isRetired(address)) return false;
  return isDevicePassword(signing.deviceSecret, address, password, duty.passwordEpoch(address));
}
