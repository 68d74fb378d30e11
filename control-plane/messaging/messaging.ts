// The door of messaging: opens the embedded broker, and names the types the rest of the control plane needs for it.
import { EmbeddedBroker } from './embedded-broker.ts';
import { DEFAULT_BROKER_LIMITS } from './limits.ts';
import type { BrokerOptions, Messaging } from './transport.ts';

export type { Principal } from './access.ts';
export type { Authenticate } from './admission.ts';
export type { MessagingLog } from './faults.ts';
export type { Ingest, IngestMessage } from './intake.ts';
export type { ConnectionSink, Peer } from './sessions.ts';
export type { BrokerOptions, Messaging, MessagingMetrics, RetainedEntry } from './transport.ts';

/** Opens the embedded broker and listens. Throws BelayError `messaging-listen` when the address is taken. */
export async function openBroker(options: BrokerOptions): Promise<Messaging> {
  return await EmbeddedBroker.open({
    ...options,
    connections: options.connections ?? { onConnected: () => {}, onDisconnected: () => {} },
    retained: options.retained ?? [],
    limits: { ...DEFAULT_BROKER_LIMITS, ...options.limits },
  });
}
