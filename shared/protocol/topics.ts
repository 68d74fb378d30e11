// The MQTT topics of protocol version 1 and who may write them. Segments are [a-z0-9-]; subscriptions are exact.

export const TOPIC_ROOT = 'belay/v1';

/** What a device writes below `belay/v1/<site>/<device>/`. */
export const DEVICE_CHANNELS = ['hello', 'reported', 'status', 'window', 'event', 'answers'] as const;
export type DeviceChannel = (typeof DEVICE_CHANNELS)[number];

/** What the control plane writes below `belay/v1/<site>/<device>/`. */
export const CONTROL_CHANNELS = ['desired', 'lease', 'kill', 'ack', 'ask'] as const;
export type ControlChannel = (typeof CONTROL_CHANNELS)[number];

/** Device channels that may be retained by the broker. */
export const RETAINED_DEVICE_CHANNELS: readonly DeviceChannel[] = ['reported', 'status'];

export type DeviceAddress = { readonly site: string; readonly device: string };

export function deviceTopic(address: DeviceAddress, channel: DeviceChannel | ControlChannel): string {
  return `${TOPIC_ROOT}/${address.site}/${address.device}/${channel}`;
}

export function siteKillTopic(site: string): string {
  return `${TOPIC_ROOT}/${site}/kill`;
}

export const FLEET_KILL_TOPIC = `${TOPIC_ROOT}/kill`;

/** The exact subscriptions of a device, kills first: an agent must know its kills before it reads what is desired. */
export function deviceSubscriptions(address: DeviceAddress): readonly string[] {
  return [
    ...killTopics(address),
    deviceTopic(address, 'desired'),
    deviceTopic(address, 'lease'),
    deviceTopic(address, 'ack'),
  ];
}

/** Where a device is asked for pictures. Not among those above: a control plane that is older than its agents refuses it. */
export function askTopic(address: DeviceAddress): string {
  return deviceTopic(address, 'ask');
}

export function killTopics(address: DeviceAddress): readonly string[] {
  return [FLEET_KILL_TOPIC, siteKillTopic(address.site), deviceTopic(address, 'kill')];
}

export type DeviceTopic = DeviceAddress & { readonly channel: string };

/** Reads `belay/v1/<site>/<device>/<channel>`; null for any other topic. */
export function parseDeviceTopic(topic: string): DeviceTopic | null {
  const parts = topic.split('/');
  const [root, version, site, device, channel] = parts;
  if (parts.length !== 5 || `${root}/${version}` !== TOPIC_ROOT) return null;
  if (!site || !device || !channel) return null;
  return { site, device, channel };
}
