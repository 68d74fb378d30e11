// What the rollouts room needs from others, as narrow as it uses it. main.ts passes the real rooms.
import type { Logger } from 'pino';
import type { Release } from '../../shared/protocol/api-releases.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database, Queryable } from '../database/database.ts';
import type { Device } from '../devices/device.ts';

export type RegistryDoor = {
  resolve(
    reference: string,
  ):
    | { readonly kind: 'found'; readonly ref: ReleaseRef }
    | { readonly kind: 'unknown' }
    | { readonly kind: 'ambiguous'; readonly ids: readonly string[] };
  get(digest: string): Promise<Release | null>;
  markState(
    database: Queryable,
    digest: string,
    change: { readonly state: Release['state']; readonly actor: string; readonly reason: string },
  ): Promise<void>;
  addNote(
    database: Queryable,
    digest: string,
    note: { readonly actor: string; readonly kind: string; readonly text: string; readonly rolloutId: string | null },
  ): Promise<void>;
};

export type RolloutParts = {
  readonly database: Database;
  readonly registry: RegistryDoor;
  readonly devices: { list(): Promise<readonly Device[]> };
  readonly audit: Pick<Audit, 'append'>;
  readonly wallNow: () => number;
  /** When this process began to listen to devices; absent: for ever. */
  readonly startedAtMs?: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
};
