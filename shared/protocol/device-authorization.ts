// How a device says over HTTP who it is: `Authorization: Basic site/device:password`, with the password of its MQTT session.
import { nameSchema } from '../basics/identifiers.ts';
import type { DeviceAddress } from './topics.ts';

export function deviceAuthorization({ site, device }: DeviceAddress, password: string): string {
  return `Basic ${Buffer.from(`${site}/${device}:${password}`).toString('base64')}`;
}

/** What stands behind `Basic `; null when it is no device's. */
export function readDeviceAuthorization(
  encoded: string,
): { readonly address: DeviceAddress; readonly password: string } | null {
  const [, site, device, password] = /^([^/:]+)\/([^/:]+):(.+)$/.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  const [named, called] = [nameSchema.safeParse(site), nameSchema.safeParse(device)];
  if (!named.success || !called.success || password === undefined) return null;
  return { address: { site: named.data, device: called.data }, password };
}
