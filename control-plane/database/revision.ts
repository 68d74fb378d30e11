// Whether anything has changed that answers are made of: rows, and who is there.
import type { Database } from './database.ts';

type Parts = { readonly database: Pick<Database, 'revision'>; readonly presence: { readonly revision: number } };

/** For the shelf of answers. */
export function answersFrom({ database, presence }: Parts) {
  return { revision: () => `${database.revision()} ${presence.revision}`, now: () => performance.now() };
}
