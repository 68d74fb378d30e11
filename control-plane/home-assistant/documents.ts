// What Home Assistant is told of a device: how to show it (its device-based MQTT discovery), and how it is now. Pure.
import type { LiveDevice } from '../../shared/protocol/api-live.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';

/** Everything below which this control plane writes. */
export type Naming = {
  readonly discoveryPrefix: string;
  readonly topicPrefix: string;
  /** Of this control plane: another one on the same broker is left alone. Letters and digits. */
  readonly instance: string;
};

export type Document = { readonly topic: string; readonly payload: string };

/** Whether the control plane itself is there; its last will says that it is not. */
export function planeTopic({ topicPrefix, instance }: Naming): string {
  return `${topicPrefix}/${instance}/status`;
}

/** Where Home Assistant says that it has started, and wants to be told everything again. */
export function birthTopic({ discoveryPrefix }: Naming): string {
  return `${discoveryPrefix}/status`;
}

export function configTopic(naming: Naming, address: DeviceAddress): string {
  return `${naming.discoveryPrefix}/device/${idOf(naming, address)}/config`;
}

/** Every device's, also those of others. */
export function configFilter({ discoveryPrefix }: Naming): string {
  return `${discoveryPrefix}/device/+/config`;
}

/** The device that a discovery topic is about; null: it is none of ours. Names of sites and devices have no `_`. */
export function addressOf(naming: Naming, topic: string): DeviceAddress | null {
  const id = topic.slice(naming.discoveryPrefix.length + '/device/'.length, -'/config'.length);
  const [belay, instance, site, device, ...rest] = id.split('_');
  if (belay !== 'belay' || instance !== naming.instance || !site || !device || rest.length > 0) return null;
  return configTopic(naming, { site, device }) === topic ? { site, device } : null;
}

type Told = Pick<LiveDevice, 'site' | 'device' | 'hardwareClass' | 'line'>;

export type Origin = { readonly version: string; readonly pageUrl: string | null };

/** How to show it; tells the same again and again until the device is another one. */
export function discoveryOf(naming: Naming, { site, device, hardwareClass, line }: Told, origin: Origin): Document {
  const id = idOf(naming, { site, device });
  const entity = (name: string, platform: string, more: object) => ({
    platform,
    unique_id: `${id}_${name}`,
    value_template: `{{ value_json.${name} }}`,
    ...more,
  });
  const measured = { state_class: 'measurement' };
  const payload = {
    device: {
      identifiers: [id],
      name: `${site} ${device}`,
      manufacturer: 'Belay',
      suggested_area: line ?? site,
      ...(hardwareClass === null ? {} : { model: hardwareClass }),
      ...(origin.pageUrl === null ? {} : { configuration_url: `${origin.pageUrl}/devices/${site}/${device}` }),
    },
    origin: { name: 'Belay', sw_version: origin.version },
    components: {
      fps: entity('fps', 'sensor', { name: 'Frames per second', unit_of_measurement: 'fps', ...measured }),
      latency: entity('latency', 'sensor', { name: 'Latency p95', unit_of_measurement: 'ms', ...measured }),
      temperature: entity('temperature', 'sensor', {
        ...{ name: 'Temperature', device_class: 'temperature', unit_of_measurement: '°C' },
        ...measured,
      }),
      model: entity('model', 'sensor', { name: 'Model', icon: 'mdi:cube-scan' }),
      reverted: entity('reverted', 'binary_sensor', { name: 'Reverted', device_class: 'problem' }),
    },
    state_topic: stateTopic(naming, { site, device }),
    availability: [{ topic: planeTopic(naming) }, { topic: availabilityTopic(naming, { site, device }) }],
    availability_mode: 'all',
  };
  return { topic: configTopic(naming, { site, device }), payload: JSON.stringify(payload) };
}

/** How it is. Unknown figures are null, which Home Assistant shows as unknown. */
export function stateOf(naming: Naming, live: LiveDevice): readonly Document[] {
  const { fps, p95Ms, temperatureC, release, condition } = live;
  const state = {
    fps,
    latency: p95Ms,
    temperature: temperatureC,
    model: release,
    // Of a candidate that it took back, by itself or by a kill; and of one that nothing answers for any more.
    reverted: ['reverted', 'killed', 'halted'].includes(condition) ? 'ON' : 'OFF',
  };
  return [
    { topic: stateTopic(naming, live), payload: JSON.stringify(state) },
    { topic: availabilityTopic(naming, live), payload: live.online ? 'online' : 'offline' },
  ];
}

/** Takes back everything that was told of it. */
export function removalOf(naming: Naming, address: DeviceAddress): readonly Document[] {
  const topics = [configTopic(naming, address), stateTopic(naming, address), availabilityTopic(naming, address)];
  return topics.map((topic) => ({ topic, payload: '' }));
}

function idOf({ instance }: Naming, { site, device }: DeviceAddress): string {
  return `belay_${instance}_${site}_${device}`;
}

function stateTopic({ topicPrefix, instance }: Naming, { site, device }: DeviceAddress): string {
  return `${topicPrefix}/${instance}/${site}/${device}/state`;
}

function availabilityTopic({ topicPrefix, instance }: Naming, { site, device }: DeviceAddress): string {
  return `${topicPrefix}/${instance}/${site}/${device}/availability`;
}
