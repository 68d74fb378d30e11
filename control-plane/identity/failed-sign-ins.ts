// Failed sign-ins in the audit, bounded: one row for an account in ten minutes, which counts those before it. What was typed
// is not kept, for it may be a password in the wrong field.
import { describeError } from '../../shared/basics/errors.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';

const ROW_EVERY_MS = 10 * 60_000;

export type FailedSignInParts = {
  readonly database: Database;
  readonly audit: Audit;
  readonly wallNow: () => number;
  readonly log: { warn(fields: object, message: string): void };
};

type Seen = { rowAtMs: number; untold: number };

/** Call with the account's name, or null when there is none of that name. Never throws. */
export function openFailedSignIns(
  parts: FailedSignInParts,
): (account: string | null, address: string) => Promise<void> {
  const { database, audit, wallNow, log } = parts;
  const seen = new Map<string | null, Seen>();
  return async (account, address) => {
    const nowMs = wallNow();
    const before = seen.get(account);
    if (before && Math.abs(nowMs - before.rowAtMs) < ROW_EVERY_MS) {
      before.untold += 1;
      return;
    }
    seen.set(account, { rowAtMs: nowMs, untold: 0 });
    const subject = `account/${account ?? '(unknown)'}`;
    const more = before?.untold ?? 0;
    const reason = more === 0 ? `from ${address}` : `from ${address}, and ${more} more since the row before`;
    try {
      await audit.append(database, { actor: 'nobody', action: 'sign-in-failed', subject, reason, details: { more } });
    } catch (error) {
      log.warn({ subject, error: describeError(error) }, 'a failed sign-in could not be recorded');
    }
  };
}
