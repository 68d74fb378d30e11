// The floor of a kill: plain MQTT clients on the same broker that acknowledge a kill in the moment they hear of it, with no
// model, no camera and no decision. What is left is signing, fan-out, and the way of the acknowledgement back.
import { connectAsync, type MqttClient } from 'mqtt';
import { endpoint } from '../../shared/protocol/address.ts';
import { credentialsSchema } from '../../shared/protocol/api-devices.ts';
import type { Hello } from '../../shared/protocol/reports.ts';
import { type DeviceAddress, deviceTopic, siteKillTopic } from '../../shared/protocol/topics.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Workspace } from './workspace.ts';

/** A site of their own: a kill of it reaches nobody else. */
export const PLAIN_SITE = 'plain';

/** Connects `count` of them. Resolves when the control plane can know of all. */
export async function openPlainClients(workspace: Workspace, fleet: Fleet, count: number): Promise<void> {
  for (let i = 1; i <= count; i += 1) {
    const client = await openPlainClient(fleet, { site: PLAIN_SITE, device: `plain-${i}` });
    workspace.defer(async () => {
      await client.endAsync(true);
    });
  }
}

async function openPlainClient(fleet: Fleet, address: DeviceAddress): Promise<MqttClient> {
  const { site, device } = address;
  const { password } = await fleet.api.ask(
    endpoint('POST /v1/devices/:site/:device/credentials', { site, device }),
    credentialsSchema,
  );
  const client = await connectAsync(fleet.mqttUrl, {
    protocolVersion: 4,
    clientId: device,
    username: site,
    password,
    reconnectPeriod: 0,
  });
  const header = { v: 1 as const, site, device, boot: `plain-boot-${device}` };
  const say = (channel: 'hello' | 'event', document: object): void => {
    client.publish(deviceTopic(address, channel), JSON.stringify({ ...header, ...document }), { qos: 1 });
  };
  let seq = 0;
  client.on('message', (_topic, payload) => {
    const { epoch, kills } = readUnchecked(payload);
    if (kills === 0) return;
    seq += 1;
    const reason = 'acknowledged at once';
    const times = { atMs: Date.now(), killEpoch: epoch, effectMs: 0, wasServing: false };
    say('event', { seq, kind: 'kill-ack', reason, ...times });
  });
  await client.subscribeAsync(siteKillTopic(site), { qos: 1 });
  const hello: Omit<Hello, keyof typeof header> = {
    agentVersion: 'plain',
    hardwareClass: 'plain',
    line: null,
    generation: 0,
    killEpoch: 0,
    seq: 0,
  };
  say('hello', hello);
  return client;
}

/** The claims of a signed document, without looking at the signature: a floor leaves out what it can. */
function readUnchecked(payload: Uint8Array): { readonly epoch: number; readonly kills: number } {
  const claims = Buffer.from(payload).toString().split('.')[1] ?? '';
  const document = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { epoch: number; kills: unknown[] };
  return { epoch: document.epoch, kills: document.kills.length };
}
