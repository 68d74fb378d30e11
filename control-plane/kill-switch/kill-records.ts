// What a kill is to the control plane, and the document of a topic as a function of all kills ever. Pure.
// Equal records give equal documents, so that a restart re-asserts the very bytes that devices have.
import type { KillDocument, KillEntry, KillScope } from '../../shared/protocol/documents.ts';
import { type DeviceAddress, deviceTopic, FLEET_KILL_TOPIC, siteKillTopic } from '../../shared/protocol/topics.ts';

export type Recipient = DeviceAddress & { readonly online: boolean };

export type KillClearing = {
  readonly atMs: number;
  readonly by: string;
  readonly reason: string;
  /** Epoch of the document that no longer lists it. */
  readonly epoch: number;
};

export type KillRecord = {
  readonly id: string;
  readonly scope: KillScope;
  readonly topic: string;
  readonly reason: string;
  readonly actor: string;
  readonly epoch: number;
  readonly raisedAtMs: number;
  /** Whom it was sent to, and who was online then. */
  readonly recipients: readonly Recipient[];
  readonly cleared: KillClearing | null;
};

/** A signed document may have 64 KiB; base64 and header leave this for the payload. */
const PAYLOAD_BYTES_MAX = 48_000;
/** Longer than any connection that has died goes unnoticed; whoever connects later gets the document at once. */
const CLEARED_ASSERTED_MS = 60 * 60_000;
const TEXT_LENGTHS = [1000, 200, 60, 20] as const;

/** Rollout and release kills travel on the fleet topic and name a digest. */
export function topicOfScope(scope: KillScope): string {
  switch (scope.kind) {
    case 'fleet':
    case 'rollout':
    case 'release':
      return FLEET_KILL_TOPIC;
    case 'site':
      return siteKillTopic(scope.site);
    case 'device':
      return deviceTopic(scope, 'kill');
  }
}

export function isInScope(scope: KillScope, { site, device }: DeviceAddress): boolean {
  switch (scope.kind) {
    case 'fleet':
    case 'rollout':
    case 'release':
      return true;
    case 'site':
      return scope.site === site;
    case 'device':
      return scope.site === site && scope.device === device;
  }
}

/** Whether a kill in force takes a candidate from a device: its lease must not be renewed then. */
export function stopsCandidate(
  records: readonly KillRecord[],
  address: DeviceAddress,
  candidate: { readonly rolloutId: string; readonly digest: string },
): boolean {
  return records.some(({ cleared, scope }) => {
    if (cleared !== null || !isInScope(scope, address)) return false;
    if (scope.kind === 'release') return scope.digest === candidate.digest;
    return scope.kind !== 'rollout' || scope.rolloutId === candidate.rolloutId || scope.digest === candidate.digest;
  });
}

/** Two kills of the same thing are one kill. */
export function isSameScope(a: KillScope, b: KillScope): boolean {
  if (a.kind === 'fleet') return b.kind === 'fleet';
  if (a.kind === 'site') return b.kind === 'site' && a.site === b.site;
  if (a.kind === 'device') return b.kind === 'device' && a.site === b.site && a.device === b.device;
  if (a.kind === 'rollout') return b.kind === 'rollout' && a.rolloutId === b.rolloutId;
  return b.kind === 'release' && a.digest === b.digest;
}

/** The document in force on a topic; null when nothing ever happened there. */
export function documentOf(records: readonly KillRecord[], topic: string): KillDocument | null {
  const here = records.filter((record) => record.topic === topic);
  const changes = here.flatMap(({ epoch, raisedAtMs, cleared }) => [
    { epoch, atMs: raisedAtMs },
    ...(cleared ? [{ epoch: cleared.epoch, atMs: cleared.atMs }] : []),
  ]);
  const last = changes.reduce<(typeof changes)[number] | null>((newest, change) => {
    return newest === null || change.epoch > newest.epoch ? change : newest;
  }, null);
  if (last === null) return null;
  const active = here.filter((record) => record.cleared === null).sort((a, b) => a.epoch - b.epoch);
  return fit({ v: 1, epoch: last.epoch, issuedAtMs: last.atMs, kills: active.map(toEntry) });
}

export function topicsOf(records: readonly KillRecord[]): readonly string[] {
  return [...new Set(records.map((record) => record.topic))];
}

/**
 * The topics that are asserted again and again: those with a kill in force, and for a while those of a kill that was
 * cleared. A device says one epoch for all its topics, so one that missed a clearing cannot be told from one that has it.
 */
export function topicsToAssert(records: readonly KillRecord[], nowMs: number): readonly string[] {
  const isDue = ({ cleared }: KillRecord) => cleared === null || Math.abs(nowMs - cleared.atMs) < CLEARED_ASSERTED_MS;
  return topicsOf(records.filter(isDue));
}

/** Epoch of the document in force on a topic; 0 when there is none. */
export function epochOf(records: readonly KillRecord[], topic: string): number {
  return lastEpoch(records.filter((record) => record.topic === topic));
}

export function lastEpoch(records: readonly KillRecord[]): number {
  return records.reduce((last, { epoch, cleared }) => Math.max(last, epoch, cleared?.epoch ?? 0), 0);
}

/** The kills that an acknowledgement of this epoch speaks of: those that the document of that epoch listed. */
export function acknowledgedBy(
  records: readonly KillRecord[],
  epoch: number,
  address: DeviceAddress,
): readonly KillRecord[] {
  const origin = records.find((record) => record.epoch === epoch || record.cleared?.epoch === epoch);
  if (!origin) return [];
  return records.filter(
    (record) =>
      record.topic === origin.topic &&
      record.epoch <= epoch &&
      (record.cleared === null || record.cleared.epoch > epoch) &&
      isInScope(record.scope, address),
  );
}

/** Both memories of the same kills as one: a kill that either knows counts, and so does the end of it. */
export function mergeRecords(a: readonly KillRecord[], b: readonly KillRecord[]): readonly KillRecord[] {
  const merged = new Map(a.map((record) => [record.id, record]));
  for (const record of b) {
    const known = merged.get(record.id);
    merged.set(record.id, known?.cleared ? known : record);
  }
  return [...merged.values()].sort((x, y) => x.epoch - y.epoch);
}

function toEntry({ id, scope, reason, actor, raisedAtMs }: KillRecord): KillEntry {
  return { id, scope, reason, actor, raisedAtMs };
}

/** Words are shortened before a kill is left out: the document must get through. */
function fit(document: KillDocument): KillDocument {
  for (const length of TEXT_LENGTHS) {
    const kills = document.kills.map((entry) => {
      return { ...entry, reason: entry.reason.slice(0, length), actor: entry.actor.slice(0, length) };
    });
    const fitted = { ...document, kills };
    if (Buffer.byteLength(JSON.stringify(fitted)) <= PAYLOAD_BYTES_MAX) return fitted;
  }
  return document;
}
