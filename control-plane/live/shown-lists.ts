// Rollouts, kills and incidents as the wall shows them: what goes on, and the newest of what is over. Says what has changed.
import type { IncidentSummary } from '../../shared/protocol/api-incidents.ts';
import type { KillSummary } from '../../shared/protocol/api-kills.ts';
import type { LiveChange } from '../../shared/protocol/api-live.ts';
import type { RolloutSummary } from '../../shared/protocol/api-rollouts.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { Database } from '../database/database.ts';

/** Of each kind, beside everything that goes on. */
const OVER_SHOWN = 20;

type Identified = { readonly id: string };

/** A list by id that tells how it differs from what it was. */
export class ShownList<T extends Identified> {
  #texts = new Map<string, string>();
  #items: readonly T[] = [];

  get items(): readonly T[] {
    return this.#items;
  }

  /** Ids and values that are new or other than before; null: shown no longer. */
  replace(items: readonly T[]): readonly { readonly id: string; readonly value: T | null }[] {
    const texts = new Map(items.map((item) => [item.id, JSON.stringify(item)]));
    const changed = items.filter(({ id }) => this.#texts.get(id) !== texts.get(id));
    const gone = [...this.#texts.keys()].filter((id) => !texts.has(id));
    this.#texts = texts;
    this.#items = items;
    return [...changed.map((value) => ({ id: value.id, value })), ...gone.map((id) => ({ id, value: null }))];
  }
}

export type ShownParts = {
  readonly database: Database;
  readonly rollouts: { summary(id: string): Promise<RolloutSummary | null> };
  readonly incidents: { list(rollout: string | null): Promise<readonly IncidentSummary[] | null> };
  readonly killSwitch: { list(): readonly KillSummary[] };
};

export class ShownLists {
  readonly #parts: ShownParts;
  readonly rollouts = new ShownList<RolloutSummary>();
  readonly kills = new ShownList<KillSummary>();
  readonly incidents = new ShownList<IncidentSummary>();

  #sites: ReadonlyMap<string, ReadonlySet<string>> = new Map();

  constructor(parts: ShownParts) {
    this.#parts = parts;
  }

  /** Sites with a device of a rollout, as of the last reading. */
  sitesOf(rolloutId: string): ReadonlySet<string> {
    return this.#sites.get(rolloutId) ?? new Set();
  }

  /** What has ended changes no more: it is read once. */
  async readRollouts(): Promise<readonly LiveChange[]> {
    const { database, rollouts } = this.#parts;
    const known = new Map(this.rollouts.items.map((item) => [item.id, item]));
    const shown: RolloutSummary[] = [];
    for (const { id, state } of await listIds(database)) {
      const before = known.get(id);
      const isSettled = before !== undefined && before.state === state && isOver(state);
      const summary = isSettled ? before : await rollouts.summary(id);
      if (summary !== null) shown.push(summary);
    }
    this.#sites = await readSites(database);
    return this.rollouts.replace(shown).map((change) => ({ resource: 'rollout', ...change }));
  }

  async readIncidents(): Promise<readonly LiveChange[]> {
    const listed = (await this.#parts.incidents.list(null)) ?? [];
    const open = listed.filter(({ closedAtMs }) => closedAtMs === null);
    const closed = listed.filter(({ closedAtMs }) => closedAtMs !== null).slice(0, OVER_SHOWN);
    return this.incidents.replace([...open, ...closed]).map((change) => ({ resource: 'incident', ...change }));
  }

  readKills(): readonly LiveChange[] {
    const listed = this.#parts.killSwitch.list();
    const over = listed.filter(({ active }) => !active).slice(0, OVER_SHOWN);
    return this.kills
      .replace([...listed.filter(({ active }) => active), ...over])
      .map((change) => ({ resource: 'kill', ...change }));
  }
}

function isOver(state: string): boolean {
  return (ENDED as readonly string[]).includes(state);
}

async function listIds(database: Database): Promise<readonly { readonly id: string; readonly state: string }[]> {
  const rows = () => database.selectFrom('rollouts').select(['id', 'state']);
  const active = await rows().where('state', 'not in', ENDED).orderBy('created_at_ms', 'desc').orderBy('id').execute();
  const ended = await rows()
    .where('state', 'in', ENDED)
    .orderBy('ended_at_ms', 'desc')
    .orderBy('id')
    .limit(OVER_SHOWN)
    .execute();
  return [...active, ...ended];
}

/** Of all rollouts: an incident that is open may be of any of them. */
async function readSites(database: Database): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const rows = await database.selectFrom('rollout_assignments').select(['rollout_id', 'site']).distinct().execute();
  const byRollout = Map.groupBy(rows, ({ rollout_id }) => rollout_id);
  return new Map([...byRollout].map(([id, members]) => [id, new Set(members.map(({ site }) => site))]));
}
