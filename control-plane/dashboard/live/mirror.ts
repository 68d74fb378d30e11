// What a page does with a batch of changes, by its number alone: take it, leave it, or read the whole again. No DOM here.
import type { LiveBatch } from '../../../shared/protocol/api-live.ts';

/** What the page holds: everything of this life of the server up to this revision. Null: nothing yet. */
export type Held = { readonly instance: string; readonly revision: number } | null;

export type Judged = 'take' | 'known' | 'gap';

/** `after` is the revision before it on the stream: above ours, something lies between that never came. */
export function judgeBatch(
  held: Held,
  { instance, after, revision }: Pick<LiveBatch, 'instance' | 'after' | 'revision'>,
): Judged {
  if (held === null || held.instance !== instance) return 'gap';
  if (revision <= held.revision) return 'known';
  return after > held.revision ? 'gap' : 'take';
}

/** While the whole is being read batches wait; more than this many, and it is read again instead. */
export const WAITING_MAX = 200;

export type Settled = { readonly take: readonly LiveBatch[]; readonly held: Held; readonly hasGap: boolean };

/** What of the batches that waited is to be taken after a reading. */
export function settleWaiting(read: Held, waiting: readonly LiveBatch[]): Settled {
  const take: LiveBatch[] = [];
  let held = read;
  for (const batch of waiting) {
    const judged = judgeBatch(held, batch);
    if (judged === 'gap') return { take, held, hasGap: true };
    if (judged === 'known') continue;
    take.push(batch);
    held = { instance: batch.instance, revision: batch.revision };
  }
  return { take, held, hasGap: waiting.length >= WAITING_MAX };
}
