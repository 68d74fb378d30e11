// Checks what the control plane wants to send before it enters the broker: topic, size, form.
import { BelayError } from '../../shared/basics/errors.ts';
import type { BrokerLimits } from './limits.ts';
import type { Payload, PublishOptions } from './transport.ts';

export type OutgoingDocument = {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
};

export type OutgoingLimits = Pick<BrokerLimits, 'documentBytesMax' | 'topicLevelsMax'>;

/** Throws BelayError `messaging-topic` or `messaging-payload-too-large`. */
export function outgoingDocument(
  topic: string,
  payload: Payload,
  options: PublishOptions & { readonly limits: OutgoingLimits },
): OutgoingDocument {
  const { documentBytesMax, topicLevelsMax } = options.limits;
  const bytes = Buffer.from(payload);
  if (!/^[a-z0-9/-]+$/.test(topic) || topic.split('/').length > topicLevelsMax) {
    throw new BelayError('messaging-topic', `cannot publish to "${topic}": levels of a-z, 0-9 and "-" only`);
  }
  if (bytes.length > documentBytesMax) {
    throw new BelayError(
      'messaging-payload-too-large',
      `cannot publish ${topic}: ${bytes.length} bytes > ${documentBytesMax}; send a reference instead of the content`,
    );
  }
  return { topic, payload: bytes, qos: options.qos ?? 1, retain: options.retain ?? false };
}
