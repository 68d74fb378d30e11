// `belay device …`: list, get, explain, logs, frame, lift, pin and the like, credentials.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  credentialsSchema,
  type DeviceCredentials,
  type DeviceDocument,
  deviceListSchema,
  deviceSchema,
  explainSchema,
  liftedSchema,
} from '../../../shared/protocol/api-devices.ts';
import { asideOf } from '../../../shared/protocol/duty.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { pageOf } from '../page.ts';
import { addAction, argument } from '../program.ts';
import { formatAge, renderTable, shortRelease } from '../render/table.ts';
import { addDutyCommands } from './device-duty.ts';
import { addFrame } from './device-frame.ts';
import { addLogs } from './device-logs.ts';
import { readDeviceReference } from './device-path.ts';
import { readSelector, selects } from './selector.ts';

export function addDeviceCommands(program: Command): void {
  const device = program.command('device').description('devices: what they run, and why');
  addList(device);
  addGet(device);
  addExplain(device);
  addLogs(device);
  addFrame(device);
  addLift(device);
  addDutyCommands(device);
  addCredentials(device);
}

function addList(device: Command): void {
  const command = device
    .command('list')
    .description('every device, what answers there, and how old that knowledge is')
    .option('--site <site>', 'only this site')
    .option('-l, --selector <text>', 'only these, such as "site=plant-a,hw=orin" or "hw in [orin, x86] and online"')
    .addHelpText('after', '\nExample\n  belay device list -l "site=plant-a and not online"');
  addAction<{ site?: string; selector?: string }>(command, async ({ api, output }, _args, { site, selector }) => {
    const clauses = selector === undefined ? null : readSelector(selector);
    const list = await api.ask(endpoint('GET /v1/devices', { site }), deviceListSchema);
    const devices = clauses === null ? list.devices : list.devices.filter((each) => selects(clauses, each));
    output.show({ ...list, devices }, () =>
      devices.length === 0 && list.devices.length > 0
        ? `None of ${list.devices.length} devices fits.`
        : renderDevices(devices, Date.now(), output),
    );
    return undefined;
  });
}

function addGet(device: Command): void {
  const command = device.command('get').argument('<site/device>').description('one device: everything that is known');
  addAction(command, async ({ api, output }, args) => {
    const document = await api.ask(
      endpoint('GET /v1/devices/:site/:device', readDeviceReference(argument(args, 0))),
      deviceSchema,
    );
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
    const where = readDeviceReference(argument(args, 0));
    const explanation = await api.ask(endpoint('GET /v1/devices/:site/:device/explain', where), explainSchema);
    output.show(explanation, () =>
      [
        output.tint('bold', explanation.summary),
        ...explanation.sentences.map((line) => `  ${line}`),
        `Page: ${pageOf(api.url, { kind: 'device', site: explanation.site, device: explanation.device })}`,
      ].join('\n'),
    );
    return undefined;
  });
}

function addLift(device: Command): void {
  const command = device
    .command('lift')
    .argument('<site/device>')
    .description('let releases out of quarantine there: a rollout that wants them may try them again')
    .option('--release <release>', 'only this one: its id or digest, or the beginning of it (default: all)');
  type Options = ChangeOptions & { release?: string; reason: string };
  const reasonHelp = 'what has been done about it: it stands in the audit and on the device';
  addAction<Options>(addChangeOptions(command, reasonHelp), async ({ api, output, actor }, args, options) => {
    const { release, reason } = options;
    const where = endpoint('POST /v1/devices/:site/:device/lift', readDeviceReference(argument(args, 0)));
    const request = { ...where, body: { release, reason, actor } };
    const what = `let ${release ?? 'every release'} out of quarantine on ${argument(args, 0)}`;
    if (!(await isWanted(output, options, { what, request, asking: 'always' }))) return undefined;
    const lifted = await api.ask(request, liftedSchema, request.body);
    const { site, device: name, generation, releases } = lifted;
    const list = releases.map((lift) => lift.release).join(', ');
    output.show(lifted, () => `${site}/${name} is told with generation ${generation}: ${list} out of quarantine`);
    return undefined;
  });
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
    const where = readDeviceReference(argument(args, 0));
    const credentials = await api.ask(endpoint('POST /v1/devices/:site/:device/credentials', where), credentialsSchema);
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

export function renderDevices(devices: readonly DeviceDocument[], nowMs: number, output: Pick<Output, 'tint'>): string {
  if (devices.length === 0)
    return 'No devices yet. Next: belay device credentials SITE/DEVICE, then start an agent there.';
  const rows = devices.map((device) => [
    `${device.site}/${device.device}`,
    linkOf(device, output),
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

/** Who is out of service by a person's word is no trouble. */
function linkOf({ online, duty }: DeviceDocument, output: Pick<Output, 'tint'>): string {
  const aside = asideOf(duty);
  if (aside?.kind === 'retired') return output.tint('dim', 'retired');
  const link = online ? output.tint('good', 'online') : output.tint('bad', 'offline');
  return aside === null ? link : `${link}, ${aside.kind}`;
}

/** `2.0.0 proving`: it is always of the model that answers. */
function renderCandidate(candidate: { readonly release: string; readonly state: string } | null): string {
  return candidate === null ? '–' : `${shortRelease(candidate.release).split(':').at(-1)} ${candidate.state}`;
}
