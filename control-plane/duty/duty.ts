// The door of the duty room: what people say of devices (pin, drain, retire and back), on record and carried out. Who has retired is
// kept in memory too, so that the broker and the API can refuse it while the database is away.
import type { Duty, DutyAnswer, DutyVerb } from '../../shared/protocol/api-duty.ts';
import { asideOf, IN_SERVICE } from '../../shared/protocol/duty.ts';
import { type DeviceAddress, deviceTopic } from '../../shared/protocol/topics.ts';
import type { Audit } from '../audit/audit.ts';
import { desiredOutside } from '../core/desired.ts';
import { type DutyDecision, decideDuty, type PinRelease } from '../core/duty.ts';
import { type Expected, isExpected, type Stale } from '../core/expected.ts';
import type { Database, DatabaseTransaction } from '../database/database.ts';
import { markPublished, writeDesired } from '../devices/desired-store.ts';
import type { Device } from '../devices/device.ts';
import type { Devices } from '../devices/devices.ts';
import { readDuties, readDuty, writeDuty } from '../devices/duty-rows.ts';
import { addressKey, type PresenceBook } from '../devices/presence.ts';
import { rolloutsOf, setAside } from '../rollouts/set-aside.ts';

export type DutyParts = {
  readonly database: Database;
  readonly audit: Pick<Audit, 'append'>;
  readonly devices: Pick<Devices, 'get'>;
  readonly presence: PresenceBook;
  /** Between two steps of the rollouts. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Ends its connection, if it has one. */
  readonly disconnect: (address: DeviceAddress) => Promise<void>;
  /** A retained document without content: none is kept any more. */
  readonly clear: (topic: string) => Promise<void>;
  readonly wallNow: () => number;
};

export type DutyRequest = {
  readonly address: DeviceAddress;
  readonly verb: DutyVerb;
  readonly reason: string;
  readonly actor: string;
  readonly release: PinRelease | null;
  readonly force: boolean;
};

export type DutyResult =
  | { readonly kind: 'not-found' }
  | { readonly kind: 'refused'; readonly reason: string }
  | Stale
  | { readonly kind: 'done'; readonly answer: DutyAnswer };

export type DutyRoom = {
  order(request: DutyRequest, expected: Expected): Promise<DutyResult>;
  /** What it would do; null: no such device. Writes nothing. */
  foresee(request: DutyRequest): Promise<ForeseenDuty | null>;
  isRetired(address: DeviceAddress): boolean;
  /** What its password is derived with: how often it has retired. */
  passwordEpoch(address: DeviceAddress): number;
};

export type ForeseenDuty = {
  readonly device: Device;
  readonly decision: DutyDecision;
  readonly rollouts: readonly string[];
};

type Known = { readonly isRetired: boolean; readonly passwordEpoch: number };

export async function openDuty(parts: DutyParts): Promise<DutyRoom> {
  const book = new Map<string, Known>();
  for (const { duty, passwordEpoch, ...address } of await readDuties(parts.database))
    book.set(addressKey(address), { isRetired: duty.retired !== null, passwordEpoch });
  const passwordEpoch = (address: DeviceAddress): number => book.get(addressKey(address))?.passwordEpoch ?? 0;
  return {
    order: (request, expected) =>
      parts.inTurn(async () => {
        const result = await order(parts, request, { expected, passwordEpoch: passwordEpoch(request.address) });
        if (result.kind === 'done') await carryOut(parts, request, book);
        return result;
      }),
    foresee: (request) => foresee(parts, request),
    isRetired: (address) => book.get(addressKey(address))?.isRetired ?? false,
    passwordEpoch,
  };
}

async function foresee(parts: DutyParts, request: DutyRequest): Promise<ForeseenDuty | null> {
  const device = await parts.devices.get(request.address);
  if (device === null) return null;
  const decision = decide(parts, request, { device, duty: device.duty ?? IN_SERVICE });
  return { device, decision, rollouts: await rolloutsOf(parts.database, request.address) };
}

type Found = { readonly device: Device; readonly duty: Duty };

function decide({ wallNow }: DutyParts, request: DutyRequest, { device, duty }: Found): DutyDecision {
  const { verb, actor, reason, release, force } = request;
  const { online, reported, desired } = device;
  return decideDuty({
    verb,
    duty,
    mark: { actor, reason, sinceMs: wallNow() },
    online,
    reported,
    desired,
    release,
    force,
  });
}

type Asked = { readonly expected: Expected; readonly passwordEpoch: number };

/** The word, the audit row, the order to the device and its place in rollouts stand or fall together. */
async function order(parts: DutyParts, request: DutyRequest, asked: Asked): Promise<DutyResult> {
  const { address, verb } = request;
  const device = await parts.devices.get(address);
  if (device === null) return { kind: 'not-found' };
  return parts.database.transaction().execute(async (transaction): Promise<DutyResult> => {
    const duty = await readDuty(transaction, address);
    if (!isExpected(asked.expected, duty.version)) {
      const now = asideOf(duty)?.sentence;
      return { kind: 'stale', version: String(duty.version), now: now === undefined ? '' : `It is ${now}.` };
    }
    const decision = decide(parts, request, { device, duty });
    if (decision.kind === 'refused') return decision;
    const epoch = asked.passwordEpoch + (verb === 'retire' ? 1 : 0);
    await writeDuty(transaction, { ...address, duty: decision.duty, passwordEpoch: epoch });
    const rollouts = await record(parts, transaction, { request, device, decision });
    return {
      kind: 'done',
      answer: { ...address, duty: decision.duty, sentence: tell(request, decision.duty), rollouts },
    };
  });
}

type Changed = {
  readonly request: DutyRequest;
  readonly device: Device;
  readonly decision: Extract<DutyDecision, { readonly kind: 'changed' }>;
};

const LEAVES: ReadonlySet<DutyVerb> = new Set(['pin', 'drain', 'retire']);

async function record(parts: DutyParts, transaction: DatabaseTransaction, changed: Changed): Promise<string[]> {
  const { request, device, decision } = changed;
  const { address, verb, actor, reason } = request;
  const { site, device: name } = address;
  const nowMs = parts.wallNow();
  const said = tell(request, decision.duty);
  const rollouts = await setAside(transaction, {
    address: { site, device: name },
    kind: LEAVES.has(verb) ? 'leave' : 'return',
    rule: `person-${verb}`,
    reason: said,
    ...{ actor, nowMs },
  });
  const generation = await orderIt(transaction, changed, nowMs);
  await parts.audit.append(transaction, {
    actor,
    action: `device-${PAST[verb]}`,
    subject: `device/${site}/${name}`,
    reason,
    details: {
      version: decision.duty.version,
      rollouts,
      ...(verb === 'pin' && decision.duty.pinned ? { release: decision.duty.pinned.release } : {}),
      ...(generation === null ? {} : { generation }),
      ...(verb === 'retire' ? { wasOnline: device.online } : {}),
    },
  });
  return [...rollouts];
}

const PAST: Readonly<Record<DutyVerb, string>> = {
  pin: 'pinned',
  unpin: 'unpinned',
  drain: 'drained',
  undrain: 'undrained',
  retire: 'retired',
  unretire: 'unretired',
};

/** The generation of its new order; null: none was needed. */
async function orderIt(transaction: DatabaseTransaction, changed: Changed, nowMs: number): Promise<number | null> {
  const { request, device, decision } = changed;
  const { site, device: name } = request.address;
  const { baseline } = decision;
  if (baseline === null) return null;
  const desired = await writeDesired(transaction, {
    ...{ site, device: name, nowMs },
    generationAbove: device.reported?.generation ?? 0,
    change: (previous) => desiredOutside(baseline, previous),
  });
  // Nobody reads it, and it would lie at the broker for ever.
  if (request.verb === 'retire') await markPublished(transaction, [desired]);
  return desired.generation;
}

function tell({ address: { site, device }, verb, actor, reason }: DutyRequest, duty: Duty): string {
  const who = `${site}/${device}`;
  const what = verb === 'pin' ? `was pinned to ${duty.pinned?.release}` : `was ${PAST[verb]}`;
  return `${who} ${what} by ${actor}: ${reason}`;
}

/** Whoever waits for the device, or lets it in, is told at once. */
async function carryOut(parts: DutyParts, { address, verb }: DutyRequest, book: Map<string, Known>): Promise<void> {
  const { presence, clear, disconnect } = parts;
  const key = addressKey(address);
  const passwordEpoch = book.get(key)?.passwordEpoch ?? 0;
  if (verb === 'unretire') {
    book.set(key, { isRetired: false, passwordEpoch });
    presence.recall(address);
  }
  if (verb !== 'retire') return;
  book.set(key, { isRetired: true, passwordEpoch: passwordEpoch + 1 });
  presence.forget(address);
  await disconnect(address);
  for (const channel of ['desired', 'reported', 'status'] as const) await clear(deviceTopic(address, channel));
}
