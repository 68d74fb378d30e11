// Documents from the control plane: verified, parsed and given to the core as facts, one after the other in the order
// of their arrival. What cannot be trusted is a fact too: it is counted and shown.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../shared/basics/canonical-json.ts';
import { describeError } from '../shared/basics/errors.ts';
import { type Ask, askSchema, desiredSchema, leaseSchema } from '../shared/protocol/documents.ts';
import { type DeviceAddress, killTopics } from '../shared/protocol/topics.ts';
import type { Verifier } from '../shared/signing/signed-document.ts';
import type { CoreEvent } from './core/events.ts';
import type { RoomLog } from './frames/child-log.ts';
import { receivedKillSchema } from './received-kill.ts';

const KILL_PLACES = ['fleet', 'site', 'device'] as const;

export type Incoming = {
  readonly onDesired: (text: string) => void;
  readonly onKill: (topic: string, text: string) => void;
  readonly onLease: (text: string) => void;
  /** No fact for the core: pictures decide nothing. */
  readonly onAsk: (text: string) => void;
};

export type IncomingParts = {
  readonly verify: Verifier;
  readonly address: DeviceAddress;
  readonly send: (event: CoreEvent) => void;
  readonly asked: (ask: Ask) => void;
  readonly monotonicNow: () => number;
  readonly log: Pick<RoomLog, 'error'>;
};

export function openIncoming({ verify, address, send, asked, monotonicNow, log }: IncomingParts): Incoming {
  let last: Promise<void> = Promise.resolve();
  // What throws here would be our own mistake: it is said, and the next document, perhaps a kill, must still be read.
  const inOrder = (work: () => Promise<CoreEvent>) => {
    last = last
      .then(work)
      .then(send)
      .catch((error: unknown) => log.error({ error: describeError(error) }, 'a document could not be taken'));
  };
  const topics = killTopics(address);
  const killSchema = receivedKillSchema(address);
  return {
    onDesired: (text) =>
      inOrder(async () => {
        const verified = await verify('desired', desiredSchema, text);
        if (!verified.ok) return { kind: 'refused', refusal: verified.kind, reason: `desired: ${verified.reason}` };
        return { kind: 'desired', document: verified.value, documentDigest: digestOf(verified.value) };
      }),
    onLease: (text) =>
      inOrder(async () => {
        const verified = await verify('lease', leaseSchema, text);
        if (!verified.ok) return { kind: 'refused', refusal: verified.kind, reason: `lease: ${verified.reason}` };
        return { kind: 'lease', document: verified.value };
      }),
    onAsk: (text) => {
      const look = async () => {
        const verified = await verify('ask', askSchema, text);
        const isOurs = verified.ok && verified.value.site === address.site && verified.value.device === address.device;
        if (isOurs) asked(verified.value);
        else
          send(
            refusedAsk(
              verified.ok ? 'bad-signature' : verified.kind,
              verified.ok ? 'is for another device' : verified.reason,
            ),
          );
      };
      look().catch((error: unknown) => log.error({ error: describeError(error) }, 'an ask could not be taken'));
    },
    onKill: (topicName, text) => {
      const receivedAtMs = monotonicNow();
      inOrder(async () => {
        const topic = KILL_PLACES[topics.indexOf(topicName)];
        if (topic === undefined) return { kind: 'refused', refusal: 'unknown-topic', reason: topicName };
        const verified = await verify('kill', killSchema, text);
        if (!verified.ok)
          return { kind: 'refused', refusal: verified.kind, reason: `${topic} kill: ${verified.reason}` };
        const document = verified.value;
        return { kind: 'kill', topic, document, documentDigest: digestOf(document), receivedAtMs };
      });
    },
  };
}

/** Of the payload, not of the text: the same document signed again is the same document. */
function digestOf(document: unknown): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex').slice(0, 32);
}

function refusedAsk(refusal: 'bad-signature' | 'malformed-document', reason: string): CoreEvent {
  return { kind: 'refused', refusal, reason: `ask: ${reason}` };
}
