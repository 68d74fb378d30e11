// What the kill switch is asked, and what it answers.
import type { KillResult, KillSummary } from '../../shared/protocol/api-kills.ts';
import type { KillScope } from '../../shared/protocol/documents.ts';

export type KillOrder = { readonly scope: KillScope; readonly reason: string; readonly actor: string };
export type Raised =
  | { readonly kind: 'raised'; readonly created: boolean; readonly published: boolean; readonly result: KillResult }
  | { readonly kind: 'too-many'; readonly active: number };
export type Rearmed =
  | { readonly kind: 'rearmed'; readonly result: KillResult }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already'; readonly summary: KillSummary }
  | { readonly kind: 'not-recorded'; readonly reason: string };
