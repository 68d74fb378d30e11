// What the drills room needs from others, as narrow as it uses it.
import type { Logger } from 'pino';
import type { RolloutActBody, RolloutVerb } from '../../shared/protocol/api-rollouts.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Audit } from '../audit/audit.ts';
import type { Database } from '../database/database.ts';
import type { Device } from '../devices/device.ts';
import type { Acted } from '../rollouts/acted.ts';
import type { Started, StartInput, StartRights } from '../rollouts/start.ts';

export type DrillParts = {
  readonly database: Database;
  readonly audit: Audit;
  readonly registry: {
    manifestText(digest: string): Promise<string | null>;
    resolve(reference: string): { readonly kind: 'found' | 'unknown' | 'ambiguous' };
    registerRehearsal(manifest: unknown, actor: string): Promise<ReleaseRef>;
  };
  readonly rollouts: {
    start(input: StartInput, rights: StartRights): Promise<Started>;
    act(id: string, verb: RolloutVerb, body: RolloutActBody): Promise<Acted>;
  };
  readonly devices: { list(): Promise<readonly Device[]> };
  readonly wallNow: () => number;
  readonly log: Pick<Logger, 'info' | 'error'>;
};
