// What the reducer asks the hands to do. Data only: the hands have no choices left. `persist` always comes first.
import type { DurableState, Priority, ReleaseRef, Serving } from './state.ts';

/** Fields of a device event besides its header (shared/protocol/reports.ts). */
export type EventFields = {
  readonly kind:
    | 'boot'
    | 'proof'
    | 'shadow-started'
    | 'serving'
    | 'reverted'
    | 'kill-ack'
    | 'rearmed'
    | 'breach'
    | 'crash'
    | 'quarantined'
    | 'quarantine-lifted'
    | 'committed'
    | 'download-failed'
    | 'document-refused'
    | 'camera-lost'
    | 'camera-back'
    | 'halted'
    | 'lease-lapsed'
    | 'lease-renewed';
  readonly reason: string;
  readonly digest?: string;
  readonly release?: string;
  readonly rolloutId?: string;
  readonly generation?: number;
  readonly killEpoch?: number;
  readonly effectMs?: number;
  readonly wasServing?: boolean;
  readonly requestId?: string;
  readonly breach?: string;
  readonly gapMs?: number;
};

export type Effect =
  | { readonly kind: 'persist'; readonly durable: DurableState }
  | { readonly kind: 'emit'; readonly event: EventFields }
  /** Say hello to the control plane; `lease`: what it asks for. */
  | { readonly kind: 'hello'; readonly lease: { readonly nonce: number; readonly digest: string } | null }
  /** Who answers has changed: frames in flight at `from` go to the new one now (null: only the shadow has changed). */
  | { readonly kind: 'reroute'; readonly from: ReleaseRef | null; readonly serving: Serving }
  /** Make sure its files are here: `local` only looks, so that a missing baseline costs no time before its fallback. */
  | { readonly kind: 'fetch'; readonly ref: ReleaseRef; readonly from: 'local' | 'anywhere' }
  | { readonly kind: 'load'; readonly ref: ReleaseRef; readonly priority: Priority }
  | { readonly kind: 'prove'; readonly ref: ReleaseRef }
  /** Golden scores of the baseline, in a runner of its own that yields to everything. */
  | { readonly kind: 'score'; readonly ref: ReleaseRef }
  | { readonly kind: 'prioritise'; readonly digest: string; readonly priority: Priority }
  /** End its runner and any proof on it. `at-once` stops it now and kills it after the next answer of another release. */
  | { readonly kind: 'unload'; readonly digest: string; readonly how: 'gently' | 'at-once' }
  | { readonly kind: 'cancel'; readonly digest: string }
  | { readonly kind: 'collect-garbage'; readonly keep: readonly string[] };
