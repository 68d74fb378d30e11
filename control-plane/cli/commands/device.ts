// `belay device …`: list, get, explain, credentials.
import type { Command } from 'commander';
import {
  credentialsSchema,
  type DeviceDocument,
  deviceListSchema,
  deviceSchema,
  explainSchema,
} from '../../../shared/protocol/api-devices.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, argument } from '../program.ts';
import { formatAge, renderTable, shortRelease } from '../render/table.ts';

export function addDeviceCommands(program: Command): void {
  const device = program.command('device').description('devices: what they run, and why');
  addList(device);
  addGet(device);
  addExplain(device);
  addCredentials(device);
}

function addList(device: Command): void {
  const command = device
    .command('list')
    .description('every device, what answers there, and how old that knowledge is')
    .option('--site <site>', 'only this site');
  addAction<{ site?: string }>(command, async ({ api, output }, _args, { site }) => {
    const query = site === undefined ? '' : `?site=${encodeURIComponent(site)}`;
    const list = await api.get(`/v1/devices${query}`, deviceListSchema);
    output.show(list, () => renderDevices(list.devices, Date.now(), output));
    return undefined;
  });
}

function addGet(device: Command): void {
  const command = device.command('get').argument('<site/device>').description('one device: everything that is known');
  addAction(command, async ({ api, output }, args) => {
    const document = await api.get(devicePath(argument(args, 0)), deviceSchema);
    output.show(document, () => JSON.stringify(document, null, 2));
    return undefined;
  });
}

function addExplain(device: Command): void {
  const command = device
    .command('explain')
    .argument('<site/device>')
    .description('why the device does what it does, in sentences');
  addAction(command, async ({ api, output }, args) => {
    const explanation = await api.get(`${devicePath(argument(args, 0))}/explain`, explainSchema);
    output.show(explanation, () =>
      [output.tint('bold', explanation.summary), ...explanation.sentences.map((line) => `  ${line}`)].join('\n'),
    );
    return undefined;
  });
}

function addCredentials(device: Command): void {
  const command = device
    .command('credentials')
    .argument('<site/device>')
    .description('what an agent needs to connect: password, addresses and the keys it shall trust');
  addAction(command, async ({ api, output }, args) => {
    const credentials = await api.post(`${devicePath(argument(args, 0))}/credentials`, {}, credentialsSchema);
    output.show(credentials, () => JSON.stringify(credentials, null, 2));
    return undefined;
  });
}

/** `plant-a/cam-1` → its path in the API. */
export function devicePath(reference: string): string {
  const { site, device } = readDeviceReference(reference);
  return `/v1/devices/${encodeURIComponent(site)}/${encodeURIComponent(device)}`;
}

/** `plant-a/cam-1` → site and device. */
export function readDeviceReference(reference: string): { site: string; device: string } {
  const [site, device, ...rest] = reference.split('/');
  if (!site || !device || rest.length > 0)
    throw new CommandError(EXIT.usage, `"${reference}" is not SITE/DEVICE, such as plant-a/cam-1`);
  return { site, device };
}

export function renderDevices(devices: readonly DeviceDocument[], nowMs: number, output: Pick<Output, 'tint'>): string {
  if (devices.length === 0)
    return 'No devices yet. Next: belay device credentials SITE/DEVICE, then start an agent there.';
  const rows = devices.map((device) => [
    `${device.site}/${device.device}`,
    device.online ? output.tint('good', 'online') : output.tint('bad', 'offline'),
    device.reported?.phase ?? '–',
    shortRelease(device.reported?.serving?.release ?? '–'),
    renderCandidate(device.reported?.candidate ?? null),
    formatAge(device.lastSeenAtMs, nowMs),
  ]);
  return renderTable(
    ['DEVICE', 'LINK', 'PHASE', 'ANSWERS WITH', 'CANDIDATE', 'SEEN'].map((title) => ({ title })),
    rows,
  );
}

/** `2.0.0 proving`: it is always of the model that answers. */
function renderCandidate(candidate: { readonly release: string; readonly state: string } | null): string {
  return candidate === null ? '–' : `${shortRelease(candidate.release).split(':').at(-1)} ${candidate.state}`;
}
