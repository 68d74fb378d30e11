// A device as it is named on the command line: SITE/DEVICE.
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

/** `plant-a/cam-1` → site and device. */
export function readDeviceReference(reference: string): { site: string; device: string } {
  const [site, device, ...rest] = reference.split('/');
  if (!site || !device || rest.length > 0)
    throw new CommandError(EXIT.usage, `"${reference}" is not SITE/DEVICE, such as plant-a/cam-1`);
  return { site, device };
}
