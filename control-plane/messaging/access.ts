// Who may publish and subscribe to what. Pure: looks at a principal and a topic, answers with a verdict.
import {
  CONTROL_CHANNELS,
  DEVICE_CHANNELS,
  type DeviceAddress,
  type DeviceChannel,
  deviceTopic,
  FLEET_KILL_TOPIC,
  parseDeviceTopic,
  RETAINED_DEVICE_CHANNELS,
  siteKillTopic,
} from '../../shared/protocol/topics.ts';
import type { FaultReason } from './faults.ts';

/** Who a connection proved to be. An observer reads everything and writes nothing: tests, benches, a local tap. */
export type Principal = ({ readonly kind: 'device' } & DeviceAddress) | { readonly kind: 'observer' };

export type Refused = { readonly kind: 'refused'; readonly reason: FaultReason; readonly detail: string };
export type PublishVerdict =
  | { readonly kind: 'allowed'; readonly address: DeviceAddress; readonly channel: DeviceChannel }
  | { readonly kind: 'unknown-channel'; readonly detail: string }
  | Refused;
export type SubscribeVerdict = { readonly kind: 'allowed' } | Refused;

export type Publication = {
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payloadBytes: number;
};

/**
 * A device writes its own channels only, at QoS 0 or 1, and retains only what is a state. A channel of its own that we do
 * not know is a newer agent's: to cut it off would make it come back with the same message for ever.
 */
export function judgePublish(principal: Principal, publication: Publication, documentBytesMax: number): PublishVerdict {
  const { topic, qos } = publication;
  if (qos > 1) return refuse('qos-2', `published to ${topic} with QoS ${qos}; use QoS 0 or 1`);
  if (principal.kind !== 'device') return refuse('publish-refused', `an observer published to ${topic}`);
  const { site, device } = principal;
  const parts = parseDeviceTopic(topic);
  const isForeign = parts === null || parts.site !== site || parts.device !== device;
  if (isForeign || CONTROL_CHANNELS.some((known) => known === parts.channel))
    return refuse('publish-refused', `published to ${topic}, which is not a channel of ${site}/${device}`);
  const channel = DEVICE_CHANNELS.find((known) => known === parts.channel);
  if (!channel) return { kind: 'unknown-channel', detail: `published to ${topic}; nothing is expected there` };
  const wrong = wrongWithContent(channel, publication, documentBytesMax);
  return wrong === null
    ? { kind: 'allowed', address: { site, device }, channel }
    : refuse('publish-refused', `${wrong} on ${topic}`);
}

function wrongWithContent(channel: DeviceChannel, publication: Publication, documentBytesMax: number): string | null {
  const { qos, retain, payloadBytes } = publication;
  if (payloadBytes === 0) return 'empty payload';
  if (channel === 'answers' && qos > 0) return 'answers travel with QoS 0; got QoS 1';
  if (!retain) return null;
  if (!RETAINED_DEVICE_CHANNELS.includes(channel)) return 'retain flag';
  return payloadBytes > documentBytesMax ? `retained document of ${payloadBytes} bytes > ${documentBytesMax}` : null;
}

/** A device reads exactly its own documents and the kills above it; wildcards are refused by not being on the list. */
export function judgeSubscribe(
  principal: Principal,
  subscription: { readonly topic: string; readonly qos: number },
): SubscribeVerdict {
  const { topic, qos } = subscription;
  if (qos > 1) return refuse('qos-2', `subscribed to ${topic} with QoS ${qos}; use QoS 0 or 1`);
  const isAllowed = principal.kind === 'device' ? readableTopics(principal).includes(topic) : !topic.startsWith('$');
  return isAllowed ? { kind: 'allowed' } : refuse('subscribe-refused', `may not subscribe to ${topic}`);
}

function readableTopics(address: DeviceAddress): readonly string[] {
  const own = CONTROL_CHANNELS.map((channel) => deviceTopic(address, channel));
  return [FLEET_KILL_TOPIC, siteKillTopic(address.site), ...own];
}

/** A last will speaks for nobody but the device itself, on its status. */
export function judgeWill(principal: Principal, will: Publication, documentBytesMax: number): PublishVerdict {
  const verdict = judgePublish(principal, will, documentBytesMax);
  if (verdict.kind !== 'allowed') return refuse('foreign-will', `last will: ${verdict.detail}`);
  if (verdict.channel !== 'status')
    return refuse('foreign-will', `last will on ${will.topic}; only status may have one`);
  return verdict;
}

/** Kill topics jump every queue: `belay/v1/kill`, `belay/v1/<site>/kill`, `belay/v1/<site>/<device>/kill`. */
export function isKillTopic(topic: string): boolean {
  if (topic === FLEET_KILL_TOPIC) return true;
  if (parseDeviceTopic(topic)?.channel === 'kill') return true;
  const site = topic.split('/')[2];
  return site !== undefined && topic === siteKillTopic(site);
}

function refuse(reason: FaultReason, detail: string): Refused {
  return { kind: 'refused', reason, detail };
}
