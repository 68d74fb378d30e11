// The door of the devices room: the read model that screens and decisions look at, rebuilt from rows on every call.
import { desiredSchema } from '../../shared/protocol/documents.ts';
import { helloSchema, reportedSchema } from '../../shared/protocol/reports.ts';
import { isSelected, type Selector, type SelectorFacts } from '../../shared/protocol/selector.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { Database } from '../database/database.ts';
import { AWAITED_MS, type Device } from './device.ts';
import { toDuty } from './duty-rows.ts';
import { addressKey, type PresenceBook } from './presence.ts';
import { ReadShelf } from './read-shelf.ts';

export type DevicesParts = {
  readonly database: Database;
  readonly presence: PresenceBook;
  readonly wallNow: () => number;
};

export type Devices = {
  list(filter?: { readonly site?: string | undefined }): Promise<readonly Device[]>;
  get(address: DeviceAddress): Promise<Device | null>;
  /** By site and name; `after`: the last device of the page before. */
  page(query: DevicePageQuery): Promise<readonly Device[]>;
};

export type DevicePageQuery = {
  readonly selector: Selector;
  readonly after: DeviceAddress | null;
  /** At most so many. */
  readonly limit: number;
};

export function openDevices(given: DevicesParts): Devices {
  const parts = { ...given, shelf: new ReadShelf() };
  return {
    list: (filter = {}) => readDevices(parts, filter),
    get: async (address) => (await readDevices(parts, address))[0] ?? null,
    page: (query) => readPage(parts, query),
  };
}

type Parts = DevicesParts & { readonly shelf: ReadShelf };

/** Reads on until the page is full: what is online, and what answers, is not in a column. */
async function readPage(parts: Parts, { selector, after, limit }: DevicePageQuery): Promise<readonly Device[]> {
  const page: Device[] = [];
  for (let from = after; ; ) {
    const read = await readDevices(parts, { selector, after: from, limit });
    for (const device of read) if (page.length < limit && isSelected(selector, factsOf(device))) page.push(device);
    const last = read.at(-1);
    if (page.length === limit || last === undefined || read.length < limit) return page;
    from = { site: last.site, device: last.device };
  }
}

function factsOf({ site, device, hardwareClass, line, online, reported }: Device): SelectorFacts {
  return { site, device, hw: hardwareClass, line, online, release: reported?.serving?.release ?? null };
}

/** Fills the book from what the database remembers, before the first message comes. */
export async function restorePresence({ database, presence, wallNow }: DevicesParts): Promise<void> {
  const connected = await database.selectFrom('devices').select(['site', 'device']).where('online', '=', 1).execute();
  const awaited = new Set(connected.map(addressKey));
  for (const device of await readDevices({ database, presence, wallNow, shelf: new ReadShelf() }, {})) {
    if (device.duty?.retired) {
      presence.forget(device);
      continue;
    }
    const { site, boot, lastSeenAtMs, reported, desired } = device;
    presence.restore({
      site,
      device: device.device,
      connected: false, // until it connects to this broker, which has just begun to listen
      awaitedUntilMs: awaited.has(addressKey(device)) ? wallNow() + AWAITED_MS : null,
      lastSeenAtMs,
      windowMs: null,
      boot,
      generation: reported?.generation ?? 0,
      isInForce: reported?.desiredInForce ?? false,
      killEpoch: reported?.killEpoch ?? 0,
      serving: reported?.serving ?? null,
      committed: reported?.committed ?? null,
      candidate: reported?.candidate ?? null,
      desiredGeneration: null,
      desiredCandidate: null,
      desiredRollout: null,
    });
    if (desired) presence.desired(desired);
  }
}

type Filter = {
  readonly site?: string | undefined;
  readonly device?: string | undefined;
  readonly selector?: Selector;
  readonly after?: DeviceAddress | null;
  readonly limit?: number;
};

const COLUMNS = { site: 'devices.site', device: 'devices.device', hw: 'hardware_class', line: 'line' } as const;

async function readDevices(parts: Parts, filter: Filter): Promise<readonly Device[]> {
  const { site, device, selector = [], after = null, limit } = filter;
  let query = parts.database
    .selectFrom('devices')
    .leftJoin('desired_state', (join) =>
      join.onRef('desired_state.site', '=', 'devices.site').onRef('desired_state.device', '=', 'devices.device'),
    )
    .leftJoin('device_duty', (join) =>
      join.onRef('device_duty.site', '=', 'devices.site').onRef('device_duty.device', '=', 'devices.device'),
    )
    .selectAll('devices')
    .select('desired_state.document as desired')
    .select(['device_duty.version', 'device_duty.pinned', 'device_duty.drained', 'device_duty.retired'])
    .orderBy('devices.site')
    .orderBy('devices.device');
  if (site !== undefined) query = query.where('devices.site', '=', site);
  if (device !== undefined) query = query.where('devices.device', '=', device);
  for (const clause of selector)
    if (clause.kind === 'words' && clause.field !== 'release')
      query = query.where(COLUMNS[clause.field], clause.isWanted ? 'in' : 'not in', [...clause.words]);
  if (after !== null)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('devices.site', 'devices.device'), '>', tuple(after.site, after.device)),
    );
  if (limit !== undefined) query = query.limit(limit);
  const nowMs = parts.wallNow();
  const { shelf } = parts;
  return (await query.execute()).map((row) => {
    const address = { site: row.site, device: row.device };
    const key = addressKey(address);
    const heard = parts.presence.get(address);
    return {
      ...address,
      hardwareClass: row.hardware_class,
      line: row.line,
      online: parts.presence.isOnline(address, nowMs),
      isAwaited: parts.presence.isAwaited(address, nowMs),
      firstSeenAtMs: row.first_seen_at_ms,
      lastSeenAtMs: Math.max(row.last_seen_at_ms, heard?.lastSeenAtMs ?? 0),
      boot: row.boot,
      hello: shelf.of(`hello ${key}`, row.hello, (text) => helloSchema.parse(JSON.parse(text))),
      reported: shelf.of(`reported ${key}`, row.reported, (text) => reportedSchema.parse(JSON.parse(text))),
      desired: shelf.of(`desired ${key}`, row.desired, (text) => desiredSchema.parse(JSON.parse(text))),
      duty: toDuty(row),
    };
  });
}
