// What a broker is to the control plane, embedded or external: the types only. Its state is a cache of what the
// database holds: seeded before it listens, and lost at any time without harm.
import type { Authenticate } from './admission.ts';
import type { FaultCounts, MessagingLog } from './faults.ts';
import type { Ingest } from './intake.ts';
import type { BrokerLimits } from './limits.ts';
import type { RetainedMetrics } from './retained-store.ts';
import type { ConnectionSink, Peer } from './sessions.ts';

export type Payload = string | Uint8Array;

export type PublishOptions = {
  /** Default false. A retained document with an empty payload removes the one kept. */
  readonly retain?: boolean;
  /** Default 1. */
  readonly qos?: 0 | 1;
};

export type RetainedEntry = { readonly topic: string; readonly payload: Payload; readonly qos?: 0 | 1 };

export type MessagingMetrics = {
  readonly connected: number;
  readonly observers: number;
  readonly published: number;
  readonly kills: number;
  /** Documents that wait for their turn; kills never do. */
  readonly queued: number;
  readonly ingested: number;
  readonly retained: RetainedMetrics;
  readonly faults: FaultCounts;
};

/** What a broker is to the control plane, embedded or not. Faults are thrown as BelayError, codes `messaging-*` and `publish-*`. */
export type Messaging = {
  readonly port: number;
  /** Resolves when the document is on its way to everyone connected; proof of delivery is the device's own report. */
  publish(topic: string, payload: Payload, options?: PublishOptions): Promise<void>;
  /** Puts documents where the next subscriber finds them, without sending them to the ones connected. */
  seedRetained(entries: Iterable<RetainedEntry>): void;
  /** The newest retained document of this very topic; null: there is none. */
  retained(topic: string): string | null;
  clients(): readonly Peer[];
  /** False when no such client is connected. Its last will is published. */
  disconnect(clientId: string): boolean;
  metrics(): MessagingMetrics;
  /** Ends all connections without their last wills: the devices did not vanish, we did. Waits for running commits. */
  close(): Promise<void>;
};

export type BrokerOptions = {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly authenticate: Authenticate;
  readonly ingest: Ingest;
  readonly log: MessagingLog;
  readonly connections?: ConnectionSink;
  /** In the store before the first client can connect. */
  readonly retained?: Iterable<RetainedEntry>;
  readonly limits?: Partial<BrokerLimits>;
};
