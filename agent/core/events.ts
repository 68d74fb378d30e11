// Everything that can happen to the supervisor, as plain facts. Foreign documents arrive here verified and parsed.
import type { Sensors } from '../../shared/measure/window.ts';
import type { Desired, KillDocument, Lease } from '../../shared/protocol/documents.ts';
import type { Content } from './answer-content.ts';
import type { LeaseRefusal } from './lease.ts';
import type { MachineUse } from './memory-state.ts';
import type { BlockedKind, KillTopic, ProofRecord, Provider } from './state.ts';

export type RefusalKind =
  | 'bad-signature'
  | 'malformed-document'
  | 'older-generation'
  | 'older-epoch'
  | 'wrong-address'
  | 'unknown-topic'
  | LeaseRefusal;

/** How a runner ended without being asked to. */
export type DeathKind = 'crash' | 'oom' | 'hang';

/** Why a proof failed: its answers were others, or it did not get to answering. */
export type ProofFault = 'mismatch' | 'fault' | 'non-finite' | DeathKind;

export type CoreEvent =
  | { readonly kind: 'booted'; readonly slots: 'fresh' | 'whole' | 'one-lost' | 'both-lost' }
  | { readonly kind: 'desired'; readonly document: Desired; readonly documentDigest: string }
  | {
      readonly kind: 'kill';
      readonly topic: KillTopic;
      readonly document: KillDocument;
      readonly documentDigest: string;
      /** Monotonic time of the flag's arrival, before its signature was checked. */
      readonly receivedAtMs: number;
    }
  | { readonly kind: 'lease'; readonly document: Lease }
  /** The connection to the control plane has come or gone. */
  | { readonly kind: 'link'; readonly isUp: boolean }
  /** The box was suspended for so long, which the monotonic clock has not counted. */
  | { readonly kind: 'slept'; readonly sleptMs: number }
  | { readonly kind: 'local-kill'; readonly present: boolean; readonly reason: string }
  | { readonly kind: 'refused'; readonly refusal: RefusalKind; readonly reason: string }
  /** Its manifest is known, and nothing else of it has been downloaded yet. */
  | { readonly kind: 'sized'; readonly digest: string; readonly memoryMb: number }
  | { readonly kind: 'installed'; readonly digest: string; readonly memoryMb?: number }
  | {
      readonly kind: 'install-failed';
      readonly digest: string;
      readonly failure: BlockedKind;
      readonly reason: string;
      readonly isFinal: boolean;
    }
  | { readonly kind: 'loaded'; readonly digest: string; readonly provider: Provider }
  | {
      readonly kind: 'load-failed';
      readonly digest: string;
      readonly failure: 'wrong-digest' | 'missing' | 'starved' | 'fault' | DeathKind;
      readonly reason: string;
    }
  | { readonly kind: 'unloaded'; readonly digest: string }
  | { readonly kind: 'proof'; readonly record: ProofRecord; readonly fault: ProofFault | null }
  | { readonly kind: 'scored'; readonly digest: string; readonly record: ProofRecord | null }
  | { readonly kind: 'offered' }
  /** An answer of a candidate has arrived: may it still answer? */
  | { readonly kind: 'look' }
  | {
      readonly kind: 'answered';
      readonly digest: string;
      readonly role: 'baseline' | 'candidate' | 'shadow';
      readonly latencyMs: number;
      readonly serviceMs: number;
      readonly requestId: string;
      /** What it holds; left out by who does not know. */
      readonly content?: Content;
    }
  /** The baseline has looked at a frame that a suspected release on trial answers. */
  | { readonly kind: 'opinion'; readonly digest: string; readonly content: Content }
  | { readonly kind: 'late'; readonly digest: string; readonly serviceMs: number }
  | {
      readonly kind: 'frame-fault';
      readonly digest: string;
      readonly role: 'baseline' | 'candidate' | 'shadow';
      readonly fault: 'deadline' | 'non-finite' | 'fault';
      readonly detail: string;
    }
  | { readonly kind: 'runner-died'; readonly digest: string; readonly how: DeathKind; readonly reason: string }
  | {
      readonly kind: 'camera';
      readonly cameraId: string;
      readonly lost: boolean;
      readonly healthy: boolean | null;
      /** What is wrong with it, in words. */
      readonly why?: string | null;
    }
  | { readonly kind: 'sensors'; readonly sensors: Sensors }
  | { readonly kind: 'machine-use'; readonly use: MachineUse }
  | { readonly kind: 'persisted'; readonly fault: string | null }
  /** `wallNowMs`: what the clock of the box says; left out by who does not ask it. */
  | { readonly kind: 'tick'; readonly wallNowMs?: number }
  | { readonly kind: 'stopping' };
