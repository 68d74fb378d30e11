// The door of the live room: the fleet as it is now, and every change of it with a number. Told by the other rooms that
// something may have changed, it looks for itself, at most four times a second. Decides nothing; losing it loses no record.
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type { LiveChange, LiveSnapshot } from '../../shared/protocol/api-live.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { PresenceBook } from '../devices/presence.ts';
import type { Arrival } from '../telemetry/arrivals.ts';
import { type Batch, ChangeRing } from './change-ring.ts';
import { restoreWall } from './restore-wall.ts';
import { ShownLists, type ShownParts } from './shown-lists.ts';
import { Wall } from './wall.ts';

export type LiveParts = ShownParts & {
  readonly presence: PresenceBook;
  readonly wallNow: () => number;
  readonly log: Pick<Logger, 'warn'>;
};

export type Follower = (batch: Batch) => void;

/** Four times a second. */
const COALESCE_MS = 250;
/** Silence is seen by looking: nobody tells of it. */
const SWEEP_MS = 1000;
/** About 15 MB with the devices that they share. */
const RING_CHANGES_MAX = 40_000;

export class Live {
  /** Of this life: revisions of another one mean nothing here. */
  readonly instance = randomBytes(6).toString('hex');
  readonly #parts: LiveParts;
  readonly #wall: Wall;
  readonly #lists: ShownLists;
  readonly #ring = new ChangeRing(RING_CHANGES_MAX);
  readonly #followers = new Set<Follower>();
  readonly #told = new Map<string, LiveChange>();
  readonly #due = new Set<'rollouts' | 'incidents'>();
  #revision = 0;
  #timer: NodeJS.Timeout | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  #restoring: Promise<void> = Promise.resolve();
  #reading: Promise<void> = Promise.resolve();
  #isReading = false;
  #isClosed = false;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#wall = new Wall(parts.presence);
    this.#lists = new ShownLists(parts);
  }

  get revision(): number {
    return this.#revision;
  }

  /** Begins to look; what the database remembers is filled in while everything else goes on. */
  start(): void {
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#due.add('incidents');
    this.rollouts();
    this.kills();
    const { database, log } = this.#parts;
    this.#restoring = restoreWall(
      database,
      (facts) => this.#wall.restore(facts),
      () => this.#isClosed,
    )
      .catch((error: unknown) =>
        log.warn({ error: describeError(error) }, 'the wall could not be filled from the past'),
      )
      .then(() => this.#wake());
  }

  heard(arrival: Arrival): void {
    this.#wall.heard(arrival);
    this.#wake();
  }

  /** What is desired of a device has changed. */
  desired(address: DeviceAddress): void {
    this.#wall.touched(address);
    this.#wake();
  }

  /** A kill was raised or ended. */
  kills(): void {
    this.#tell(this.#lists.readKills());
    this.#wall.setKills(this.#lists.kills.items.filter(({ active }) => active));
    this.#wake();
  }

  /** A device has obeyed: the kills in force are measured anew. */
  killAcknowledged(): void {
    this.#tell(
      this.#lists.kills.items
        .filter(({ active }) => active)
        .map((value) => ({ resource: 'kill', id: value.id, value })),
    );
    this.#wake();
  }

  /** Rollouts were looked at, or a person did something to one. */
  rollouts(): void {
    this.#due.add('rollouts');
    this.#wake();
  }

  /** Something went on record: `subject` is `<resource>/<id>`. */
  recorded({ subject, seq }: { readonly subject: string; readonly seq: number }): void {
    this.#tell([{ resource: 'audit', id: String(seq), value: null }]);
    const [kind = '', ...rest] = subject.split('/');
    if (kind === 'release') this.#tell([{ resource: 'release', id: rest.join('/'), value: null }]);
    if (kind === 'rollout') this.#due.add('rollouts');
    if (kind === 'incident') this.#due.add('incidents');
    this.#wake();
  }

  snapshot(): LiveSnapshot {
    return {
      instance: this.instance,
      revision: this.#revision,
      nowMs: this.#parts.wallNow(),
      devices: [...this.#wall.list()],
      rollouts: [...this.#lists.rollouts.items],
      kills: [...this.#lists.kills.items],
      incidents: [...this.#lists.incidents.items],
    };
  }

  /** Sites on which a rollout has devices; empty: it is not known. */
  sitesOfRollout(rolloutId: string): ReadonlySet<string> {
    return this.#lists.sitesOf(rolloutId);
  }

  /** What has changed since a revision of this life; null: that is no longer known, was another life's, or is no revision. */
  since(instance: string, revision: number): readonly LiveChange[] | null {
    const isKnown = instance === this.instance && Number.isSafeInteger(revision) && revision <= this.#revision;
    return isKnown ? this.#ring.since(revision) : null;
  }

  /** Returns how to stop. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#sweeper) clearInterval(this.#sweeper);
    this.#followers.clear();
    await Promise.all([this.#restoring, this.#reading]);
  }

  #sweep(): void {
    this.#wall.sweep(this.#parts.wallNow());
    const changed = this.#lists.readKills();
    this.#tell(changed);
    if (changed.length > 0) this.#wall.setKills(this.#lists.kills.items.filter(({ active }) => active));
    if (this.#wall.isDirty || this.#told.size > 0) this.#wake();
  }

  #tell(changes: readonly LiveChange[]): void {
    for (const change of changes) this.#told.set(`${change.resource} ${change.id}`, change);
  }

  #wake(): void {
    if (this.#due.size > 0) this.#read();
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#look();
    }, COALESCE_MS);
  }

  #look(): void {
    const nowMs = this.#parts.wallNow();
    const changes = [...this.#told.values(), ...this.#wall.takeChanges(nowMs)];
    this.#told.clear();
    if (changes.length === 0) return;
    this.#revision += 1;
    const batch: Batch = { revision: this.#revision, nowMs, changes };
    this.#ring.push(batch);
    for (const follower of this.#followers) follower(batch);
  }

  /** Beside everything else: devices and kills are shown whatever the database does. One reading at a time. */
  #read(): void {
    if (this.#isReading || this.#isClosed) return;
    this.#isReading = true;
    this.#reading = this.#readDue().finally(() => {
      this.#isReading = false;
      this.#wake();
    });
  }

  /** What fails is read with the next tick of the rollouts. */
  async #readDue(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, COALESCE_MS));
    const due = [...this.#due];
    this.#due.clear();
    try {
      if (due.includes('rollouts')) this.#tell(await this.#lists.readRollouts());
      if (due.includes('incidents')) this.#tell(await this.#lists.readIncidents());
    } catch (error) {
      this.#parts.log.warn({ error: describeError(error) }, 'rollouts and incidents could not be read for the wall');
    }
  }
}
