// Puts what has happened into the outbox of every webhook that wants it; with the position up to which it has looked, in one
// transaction, so that nothing is told twice under two ids and nothing is left out.
import type { Database } from '../database/database.ts';
import { cloudEventText, isWanted, type Notice } from './notice.ts';
import { readAuditNotices, readDeviceNotices } from './read-notices.ts';
import { insertDelivery, listWebhookRows, wantedOf } from './webhook-rows.ts';

export type CollectParts = {
  readonly database: Database;
  /** URI of this control plane, and the beginning of the ids of its events. */
  readonly source: string;
  readonly idPrefix: string;
  readonly wallNow: () => number;
};

const SOURCES = { audit: readAuditNotices, events: readDeviceNotices } as const;

/** How many deliveries were put in. */
export async function collect(parts: CollectParts): Promise<number> {
  let count = 0;
  for (const source of ['audit', 'events'] as const) {
    for (let isMore = true; isMore; ) {
      const looked = await lookOnce(parts, source);
      count += looked.count;
      isMore = looked.isMore;
    }
  }
  return count;
}

function lookOnce(
  { database, source: uri, idPrefix, wallNow }: CollectParts,
  source: keyof typeof SOURCES,
): Promise<{ readonly count: number; readonly isMore: boolean }> {
  return database.transaction().execute(async (transaction) => {
    const { position: after } = await transaction
      .selectFrom('webhook_positions')
      .select('position')
      .where('source', '=', source)
      .executeTakeFirstOrThrow();
    const { notices, position, isMore } = await SOURCES[source](transaction, after, idPrefix);
    if (position === after) return { count: 0, isMore: false };
    const webhooks = (await listWebhookRows(transaction)).filter(({ disabled_at_ms }) => disabled_at_ms === null);
    let count = 0;
    for (const webhook of webhooks) {
      for (const notice of notices.filter(
        (each) => isNews(each, webhook.created_at_ms) && isWanted(each, wantedOf(webhook)),
      )) {
        await insertDelivery(transaction, {
          webhook_id: webhook.id,
          event_id: notice.id,
          type: notice.type,
          subject: notice.subject,
          body: cloudEventText(notice, uri),
          created_at_ms: wallNow(),
          next_at_ms: wallNow(),
        });
        count += 1;
      }
    }
    await transaction.updateTable('webhook_positions').set({ position }).where('source', '=', source).execute();
    return { count, isMore };
  });
}

/** A device that comes back after weeks tells of things that happened before somebody wanted to know. */
function isNews({ atMs }: Notice, createdAtMs: number): boolean {
  return atMs >= createdAtMs - 24 * 3_600_000;
}
