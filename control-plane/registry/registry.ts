// The door of the registry: immutable releases and the artifacts they name. A release that is here passed every check.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { CheckReport, Release, ReleaseNote, ReleaseSummary } from '../../shared/protocol/api-releases.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { formatReleaseId, parseReleaseReference } from '../../shared/release/identity.ts';
import { type Manifest, manifestSchema, releaseIdOf } from '../../shared/release/manifest.ts';
import type { Audit } from '../audit/audit.ts';
import { type Expected, isExpected, type Stale } from '../core/expected.ts';
import type { Database, Queryable } from '../database/database.ts';
import type { ReleaseState } from '../database/schema.ts';
import type { ArtifactStore, Stored } from './artifact-store.ts';
import { judgeCard } from './card-check.ts';
import { type CheckParts, checkRelease, type ReleasePolicy } from './release-check.ts';
import {
  findCard,
  findReleaseByDigest,
  findRetained,
  findUser,
  insertCard,
  insertNote,
  insertRelease,
  listNotes,
  listReleaseRows,
  manifestOfRow,
  type ReleaseFilter,
  releaseVersion,
  toRelease,
  toSummary,
  updateReleaseState,
} from './release-rows.ts';

export type RegistryParts = {
  readonly database: Database;
  readonly artifacts: ArtifactStore;
  readonly audit: Audit;
  readonly policy: ReleasePolicy;
  readonly wallNow: () => number;
};

export type Registered =
  | { readonly kind: 'registered'; readonly created: boolean; readonly release: Release; readonly report: CheckReport }
  | { readonly kind: 'refused'; readonly report: CheckReport }
  | { readonly kind: 'taken'; readonly id: string; readonly byDigest: string };

export type Resolved =
  | { readonly kind: 'found'; readonly ref: ReleaseRef }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous'; readonly ids: readonly string[] };

/** A note without its time. */
export type Outcome = Pick<ReleaseNote, 'actor' | 'kind' | 'text' | 'rolloutId'>;

export type StateSet =
  | { readonly kind: 'set' | 'unknown' }
  | Stale
  /** A rollout needs it. */
  | { readonly kind: 'kept'; readonly reason: string };

export type StateChange = { readonly state: ReleaseState; readonly actor: string; readonly reason: string };

export class Registry {
  readonly artifacts: ArtifactStore;
  readonly #parts: RegistryParts;
  /** Digest by id, kept in memory: a kill by release must resolve while the database is down. */
  readonly #digests = new Map<string, string>();

  constructor(parts: RegistryParts, releases: Iterable<ReleaseRef>) {
    this.#parts = parts;
    this.artifacts = parts.artifacts;
    for (const { release, digest } of releases) this.#digests.set(release, digest);
  }

  async putArtifact(sha256: string, content: Readable): Promise<Stored> {
    const stored = await this.artifacts.put(sha256, content);
    if (stored.kind === 'stored') {
      await this.#parts.database
        .insertInto('artifacts')
        .values({ sha256, bytes: stored.bytes, stored_at_ms: this.#parts.wallNow() })
        .onConflict((conflict) => conflict.column('sha256').doNothing())
        .execute();
    }
    return stored;
  }

  /** Everything that register looks at, without storing. */
  async check(manifest: unknown, card?: string): Promise<CheckReport> {
    return judgeCard((await checkRelease(manifest, this.#checkParts())).report, card);
  }

  /** Same id and same content again is fine; same id and other content is `taken`. */
  async register(manifest: unknown, actor: string, card?: string): Promise<Registered> {
    const { release, ...checked } = await checkRelease(manifest, this.#checkParts());
    const report = judgeCard(checked.report, card);
    if (release === null) return { kind: 'refused', report };
    const present = await this.get(release.digest);
    if (present) return { kind: 'registered', created: false, release: present, report };
    const takenBy = this.#takenBy(release.manifest);
    if (takenBy) return { kind: 'taken', id: takenBy.release, byDigest: takenBy.digest };
    if (!report.ok) return { kind: 'refused', report };
    try {
      await this.#store({ ...release, actor, card });
    } catch (error) {
      const rival = await this.get(release.digest);
      if (!rival) throw error; // not a twin of this request that came first
    }
    const stored = await this.get(release.digest);
    if (!stored) throw new TypeError(`release ${release.id} vanished after it was stored`);
    return { kind: 'registered', created: true, release: stored, report };
  }

  /** Stores the release of a drill: files and contract are those of a registered release, so only its shape is checked. */
  async registerRehearsal(manifest: unknown, actor: string): Promise<ReleaseRef> {
    const parsed = manifestSchema.parse(manifest);
    if (parsed.drill === undefined) throw new TypeError('a rehearsal declares its fault');
    const text = canonicalJson(manifest);
    const digest = createHash('sha256').update(text).digest('hex');
    const id = formatReleaseId(releaseIdOf(parsed));
    await this.#store({ digest, id, manifest: parsed, text, actor });
    return { release: id, digest };
  }

  async get(digest: string): Promise<Release | null> {
    const row = await findReleaseByDigest(this.#parts.database, digest);
    const { database } = this.#parts;
    return row ? toRelease(row, await listNotes(database, digest), await findCard(database, digest)) : null;
  }

  async list(filter: ReleaseFilter = {}): Promise<readonly ReleaseSummary[]> {
    return (await listReleaseRows(this.#parts.database, filter)).map(toSummary);
  }

  /** The very bytes whose SHA-256 is the digest. */
  async manifestText(digest: string): Promise<string | null> {
    return (await findReleaseByDigest(this.#parts.database, digest))?.manifest ?? null;
  }

  /** Full id, short id while only one release fits, or digest. From memory: works without the database. */
  resolve(reference: string): Resolved {
    const byDigest = [...this.#digests].find(([, digest]) => digest === reference);
    if (byDigest) return { kind: 'found', ref: { release: byDigest[0], digest: byDigest[1] } };
    const parsed = parseReleaseReference(reference);
    if (!parsed) return { kind: 'unknown' };
    const prefix = `${parsed.name}:${parsed.version}+data=`;
    const ids = [...this.#digests.keys()].filter((id) =>
      parsed.dataTag === null ? id.startsWith(prefix) : id === reference,
    );
    const [id] = ids;
    if (id === undefined) return { kind: 'unknown' };
    if (ids.length > 1) return { kind: 'ambiguous', ids };
    return { kind: 'found', ref: { release: id, digest: this.#digests.get(id) ?? '' } };
  }

  /** For decisions: writes the state and a note in the caller's transaction. */
  async markState(database: Queryable, digest: string, change: StateChange): Promise<void> {
    await updateReleaseState(database, digest, change.state);
    await this.addNote(database, digest, {
      actor: change.actor,
      kind: change.state,
      text: change.reason,
      rolloutId: null,
    });
  }

  /** Writes an outcome back to the entry, in the caller's transaction. */
  addNote(database: Queryable, digest: string, note: Outcome): Promise<void> {
    const { actor, kind, text, rolloutId } = note;
    return insertNote(database, digest, { atMs: this.#parts.wallNow(), actor, kind, text, rolloutId });
  }

  /** A person's change of state, with its audit row. One that a rollout needs may be withdrawn, and not archived. */
  async setState(digest: string, change: StateChange, expected: Expected = null): Promise<StateSet> {
    const row = await findReleaseByDigest(this.#parts.database, digest);
    if (!row) return { kind: 'unknown' };
    const reason = change.state === 'archived' ? await this.whyKept(digest) : null;
    if (reason !== null) return { kind: 'kept', reason };
    return this.#parts.database.transaction().execute(async (transaction): Promise<StateSet> => {
      const stale = await this.#findStale(transaction, digest, expected);
      if (stale !== null) return stale;
      await this.markState(transaction, digest, change);
      const { actor, reason, state } = change;
      await this.#parts.audit.append(transaction, {
        actor,
        action: 'release-state-changed',
        subject: `release/${row.id}`,
        reason,
        details: { digest, from: row.state, to: state },
      });
      return { kind: 'set' };
    });
  }

  /** Of the entry as a whole: grows with its notes. */
  version(digest: string): Promise<number> {
    return releaseVersion(this.#parts.database, digest);
  }

  async #findStale(transaction: Queryable, digest: string, expected: Expected): Promise<Stale | null> {
    if (expected === null) return null;
    const version = await releaseVersion(transaction, digest);
    if (isExpected(expected, version)) return null;
    const last = (await listNotes(transaction, digest)).at(-1);
    const now = `The newest entry is "${last?.kind}" by ${last?.actor}: ${last?.text}`;
    return { kind: 'stale', version: String(version), now };
  }

  /** Why it cannot be archived: the rollout that goes on with it, or that keeps it as the fallback. Null: it can be. */
  async whyKept(digest: string): Promise<string | null> {
    const user = await findUser(this.#parts.database, digest);
    if (user !== null) return `rollout ${user} goes on with it, as its candidate or to go back to`;
    const kept = await findRetained(this.#parts.database, digest);
    if (kept === null || kept.untilMs <= this.#parts.wallNow()) return null;
    return `rollout ${kept.rolloutId} keeps it as the fallback until ${new Date(kept.untilMs).toISOString()}`;
  }

  #takenBy(manifest: Manifest): ReleaseRef | null {
    const resolved = this.resolve(`${manifest.name}:${manifest.version}`);
    return resolved.kind === 'found' ? resolved.ref : null;
  }

  async #store(release: {
    readonly digest: string;
    readonly id: string;
    readonly manifest: Manifest;
    readonly text: string;
    readonly actor: string;
    readonly card?: string | undefined;
  }): Promise<void> {
    const { digest, id, manifest, actor, card } = release;
    await this.#parts.database.transaction().execute(async (transaction) => {
      await insertRelease(transaction, { ...release, nowMs: this.#parts.wallNow() });
      if (card !== undefined) await insertCard(transaction, digest, card);
      await this.addNote(transaction, digest, { actor, kind: 'registered', text: manifest.changelog, rolloutId: null });
      await this.#parts.audit.append(transaction, {
        actor,
        action: 'release-registered',
        subject: `release/${id}`,
        reason: manifest.changelog,
        details: { digest },
      });
    });
    this.#digests.set(id, digest);
  }

  #checkParts(): CheckParts {
    const { artifacts, policy, database } = this.#parts;
    const siblings = async (name: string) => (await listReleaseRows(database, { name })).map(manifestOfRow);
    return { artifacts, policy, siblings };
  }
}

export async function openRegistry(parts: RegistryParts): Promise<Registry> {
  const rows = await parts.database.selectFrom('releases').select(['id', 'digest']).execute();
  return new Registry(
    parts,
    rows.map(({ id, digest }) => ({ release: id, digest })),
  );
}
