// The door of the leases room: answers each hello that asks for a lease, at once and from memory alone, so that neither a
// slow database nor a long rollout step takes a candidate from its devices. What is withheld is counted by reason.
import { describeError } from '../../shared/basics/errors.ts';
import type { LeaseCounts } from '../../shared/protocol/api-status.ts';
import type { Lease } from '../../shared/protocol/documents.ts';
import type { Hello } from '../../shared/protocol/reports.ts';
import { type DeviceAddress, deviceTopic } from '../../shared/protocol/topics.ts';
import type { Signer } from '../../shared/signing/signed-document.ts';
import { decideLease, type LeaseDecision, type WithheldReason } from '../core/grant-lease.ts';
import { addressKey, type PresenceBook } from '../devices/presence.ts';

export type LeasesParts = {
  readonly presence: Pick<PresenceBook, 'get'>;
  /** Whether a kill in force takes this release from this device. */
  readonly isKilled: (
    address: DeviceAddress,
    candidate: { readonly rolloutId: string; readonly digest: string },
  ) => boolean;
  readonly sign: Signer;
  /** Not retained: a lease answers one hello and is worth nothing to anybody else. */
  readonly publish: (topic: string, text: string) => Promise<void>;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly log: { debug(fields: object, message: string): void; warn(fields: object, message: string): void };
};

export type Leases = {
  /** Answers when the hello asks; returns at once and never throws. */
  asked(hello: Hello): void;
  counts(): LeaseCounts;
};

/** The shortest lease is renewed less often than this; whoever asks more often does not get a signature each time. */
const ANSWER_EVERY_MS_MIN = 100;

export function openLeases(parts: LeasesParts): Leases {
  const counts = { granted: 0, failed: 0, withheld: {} as Record<string, number> };
  const answeredAtMs = new Map<string, number>();
  const withhold = (hello: Hello, reason: WithheldReason) => {
    counts.withheld[reason] = (counts.withheld[reason] ?? 0) + 1;
    const { site, device, lease } = hello;
    parts.log.debug({ site, device, digest: lease?.digest, reason }, 'a lease is withheld');
  };
  const grant = async (lease: Lease) => {
    try {
      await parts.publish(deviceTopic(lease, 'lease'), await parts.sign('lease', lease));
      counts.granted += 1;
    } catch (error) {
      counts.failed += 1;
      const { site, device } = lease;
      parts.log.warn({ site, device, error: describeError(error) }, 'a lease could not be sent; the device asks again');
    }
  };
  return {
    asked: (hello) => {
      if (hello.lease === null) return;
      const key = addressKey(hello);
      const nowMs = parts.monotonicNow();
      const lastMs = answeredAtMs.get(key);
      if (lastMs !== undefined && nowMs - lastMs < ANSWER_EVERY_MS_MIN) return withhold(hello, 'too-often');
      const decision = decide(parts, hello);
      if (decision.kind === 'withhold') return withhold(hello, decision.reason);
      answeredAtMs.set(key, nowMs);
      void grant(decision.lease);
    },
    counts: () => ({ ...counts, withheld: { ...counts.withheld } }),
  };
}

function decide({ presence, isKilled, wallNow }: LeasesParts, hello: Hello): LeaseDecision {
  const known = presence.get(hello);
  const generation = known?.desiredGeneration ?? null;
  const order = generation === null ? null : { generation, candidate: known?.desiredCandidate ?? null };
  const candidate = order?.candidate ?? null;
  return decideLease({
    hello,
    order,
    isKilled: candidate !== null && isKilled(hello, candidate),
    nowMs: wallNow(),
  });
}
