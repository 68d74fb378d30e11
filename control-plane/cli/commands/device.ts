// `belay device …`: list, get, explain, lift, credentials.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import {
  credentialsSchema,
  type DeviceCredentials,
  type DeviceDocument,
  deviceListSchema,
  deviceSchema,
  explainSchema,
  liftedSchema,
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
  addLift(device);
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

function addLift(device: Command): void {
  const command = device
    .command('lift')
    .argument('<site/device>')
    .description('let releases out of quarantine there: a rollout that wants them may try them again')
    .option('--release <release>', 'only this one: its id or digest, or the beginning of it (default: all)')
    .requiredOption('--reason <text>', 'what has been done about it: it stands in the audit and on the device');
  addAction<{ release?: string; reason: string }>(
    command,
    async ({ api, output, actor }, args, { release, reason }) => {
      const lifted = await api.post(`${devicePath(argument(args, 0))}/lift`, { release, reason, actor }, liftedSchema);
      const { site, device: name, generation, releases } = lifted;
      const list = releases.map((lift) => lift.release).join(', ');
      output.show(lifted, () => `${site}/${name} is told with generation ${generation}: ${list} out of quarantine`);
      return undefined;
    },
  );
}

function addCredentials(device: Command): void {
  const command = device
    .command('credentials')
    .argument('<site/device>')
    .description('what an agent needs to connect: password, addresses and the keys it shall trust')
    .option(
      '--write <folder>',
      'write password and trust.json there, for the agent beside whose configuration they lie',
    );
  addAction<{ write?: string }>(command, async ({ api, output }, args, { write }) => {
    const credentials = await api.post(`${devicePath(argument(args, 0))}/credentials`, {}, credentialsSchema);
    if (write === undefined) {
      output.show(credentials, () => JSON.stringify(credentials, null, 2));
      return undefined;
    }
    await writeCredentials(credentials, write);
    const { password: _, ...written } = credentials;
    output.show(written, () => renderAgentConfig(credentials));
    return undefined;
  });
}

async function writeCredentials({ password, keySet }: DeviceCredentials, folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'password'), `${password}\n`, { mode: 0o600 });
    await writeFile(path.join(folder, 'trust.json'), `${JSON.stringify(keySet, null, 2)}\n`);
  } catch (error) {
    throw new CommandError(EXIT.failed, `cannot write the credentials into ${folder}: ${describeError(error)}`);
  }
}

/** The part of the agent's configuration that says who it is and whom it belongs to. */
function renderAgentConfig({ site, device, mqttUrl, apiUrl }: DeviceCredentials): string {
  return [
    `site: ${site}`,
    `device: ${device}`,
    'controlPlane:',
    `  mqttUrl: ${mqttUrl}`,
    `  apiUrl: ${apiUrl}`,
    '  passwordFile: password',
    '  trustFile: trust.json',
  ].join('\n');
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
