// A kill while the database fails: it goes out, is measured, survives a restart, and its record follows.
// Re-arming is the other way round: it waits for the record.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAudit } from '../../../control-plane/audit/audit.ts';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { openKillJournal } from '../../../control-plane/kill-switch/kill-journal.ts';
import { openKillStore } from '../../../control-plane/kill-switch/kill-store.ts';
import { KillSwitch } from '../../../control-plane/kill-switch/kill-switch.ts';
import { openSigning } from '../../../control-plane/signing/signing.ts';
import { eventSchema } from '../../../shared/protocol/reports.ts';

const ORDER = { scope: { kind: 'fleet' as const }, reason: 'smoke', actor: 'on-call' };

let folder: string;
let database: Database;
let published: { topic: string; text: string }[];
let nowMs: number;
let isBrokerDown: boolean;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-kill-'));
  database = await openDatabase(join(folder, 'belay.db'));
  published = [];
  nowMs = 1_700_000_000_000;
  isBrokerDown = false;
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

async function openSwitch(
  journalPath = join(folder, 'kills.json'),
  beforeClearing: () => Promise<void> = async () => {},
): Promise<KillSwitch> {
  const presence = new PresenceBook();
  presence.seen({ site: 'plant-a', device: 'cam-01', boot: 'boot-0001', atMs: nowMs });
  const store = openKillStore({ database, audit: openAudit({ database, wallNow: () => nowMs }) });
  const killSwitch = new KillSwitch({
    sign: (await openSigning(folder)).sign,
    publish: async (topic, text) => {
      if (isBrokerDown) throw new Error('no broker');
      published.push({ topic, text });
    },
    presence,
    journal: openKillJournal(journalPath),
    store: { ...store, recordCleared: (record) => beforeClearing().then(() => store.recordCleared(record)) },
    wallNow: () => nowMs,
    monotonicNow: () => nowMs,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  await killSwitch.open();
  return killSwitch;
}

function ackOf(killEpoch: number) {
  const header = { v: 1, site: 'plant-a', device: 'cam-01', boot: 'boot-0001', seq: 1 };
  return eventSchema.parse({
    ...header,
    kind: 'kill-ack',
    atMs: 0,
    reason: '',
    killEpoch,
    effectMs: 3,
    wasServing: true,
  });
}

describe('while the database is slow', () => {
  it('sends a kill at once although another is being re-armed, and re-arms with a newer document then', async () => {
    const disk = Promise.withResolvers<void>();
    const killSwitch = await openSwitch(join(folder, 'kills.json'), () => disk.promise);
    await killSwitch.raise(ORDER);
    const first = killSwitch.active()[0]?.id ?? '';
    const rearmed = killSwitch.rearm(first, { actor: 'on-call', reason: 'false alarm' });
    const site = { kind: 'site' as const, site: 'plant-a' };
    expect(await killSwitch.raise({ ...ORDER, scope: site })).toMatchObject({ kind: 'raised', published: true });
    expect(killSwitch.active()).toHaveLength(2);
    disk.resolve();
    expect(await rearmed).toMatchObject({ kind: 'rearmed' });
    expect(killSwitch.active().map((kill) => kill.scope)).toEqual([site]);
    const epochs = published.map(({ text }) => {
      return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).epoch as number;
    });
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(new Set(epochs).size).toBe(3);
    const audited = await database.selectFrom('audit').select('action').execute();
    expect(audited.filter(({ action }) => action === 'kill-rearmed')).toHaveLength(1);
  });
});

describe('while the database fails', () => {
  it('sends the kill, measures it, and says that it is not on record', async () => {
    const killSwitch = await openSwitch();
    await database.destroy();
    const raised = await killSwitch.raise(ORDER);
    expect(raised).toMatchObject({ kind: 'raised', published: true, result: { recorded: false, sent: 1 } });
    expect(published).toHaveLength(1);
    expect(killSwitch.fault()).toContain('not on record');
    const { id, epoch } = killSwitch.active()[0] ?? { id: '', epoch: 0 };
    nowMs += 40;
    killSwitch.acknowledge(ackOf(epoch));
    expect(killSwitch.get(id)).toMatchObject({ acknowledged: 1, reverted: 1, p50Ms: 40 });
  });

  it('refuses to re-arm', async () => {
    const killSwitch = await openSwitch();
    await killSwitch.raise(ORDER);
    await database.destroy();
    const [kill] = killSwitch.active();
    expect(await killSwitch.rearm(kill?.id ?? '', { actor: 'x', reason: 'y' })).toMatchObject({ kind: 'not-recorded' });
    expect(killSwitch.active()).toHaveLength(1);
    expect(published).toHaveLength(1);
  });

  it('keeps the kill through a restart, and records it with its acknowledgements then', async () => {
    const failing = await openSwitch();
    await database.destroy();
    await failing.raise(ORDER);
    database = await openDatabase(join(folder, 'belay.db'));
    const killSwitch = await openSwitch();
    expect(killSwitch.active()).toEqual(failing.active());
    const [document] = await killSwitch.documents();
    expect(document).toEqual(published[0]); // the same bytes: devices take no second document of one epoch
    await killSwitch.retry();
    expect(killSwitch.fault()).toBeNull();
    const audit = openAudit({ database, wallNow: () => nowMs });
    expect(await audit.list({ limit: 5 })).toMatchObject([{ action: 'kill-raised', reason: 'smoke' }]);
  });

  it('sends the kill even when the journal cannot be written either', async () => {
    const killSwitch = await openSwitch(join(folder, 'no-such-folder', 'kills.json'));
    await database.destroy();
    expect(await killSwitch.raise(ORDER)).toMatchObject({ kind: 'raised', published: true });
  });
});

describe('while the broker fails', () => {
  it('keeps the kill and sends it when it can', async () => {
    const killSwitch = await openSwitch();
    isBrokerDown = true;
    expect(await killSwitch.raise(ORDER)).toMatchObject({ kind: 'raised', published: false });
    expect(killSwitch.active()).toHaveLength(1);
    isBrokerDown = false;
    await killSwitch.retry();
    expect(published).toHaveLength(1);
    expect(killSwitch.fault()).toBeNull();
  });
});

describe('epochs', () => {
  it('grow with every change, also when the clock goes back', async () => {
    const killSwitch = await openSwitch();
    await killSwitch.raise(ORDER);
    nowMs -= 3_600_000;
    await killSwitch.raise({ ...ORDER, scope: { kind: 'site', site: 'plant-a' } });
    const [kill] = killSwitch.active();
    await killSwitch.rearm(kill?.id ?? '', { actor: 'x', reason: 'y' });
    const epochs = published.map(({ text }) => {
      return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).epoch as number;
    });
    expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
    expect(new Set(epochs).size).toBe(3);
  });

  it('of one topic never acknowledge a kill of another', async () => {
    const killSwitch = await openSwitch();
    const fleet = await killSwitch.raise(ORDER);
    const site = await killSwitch.raise({ ...ORDER, scope: { kind: 'site', site: 'plant-a' } });
    if (fleet.kind !== 'raised' || site.kind !== 'raised') throw new Error('not raised');
    killSwitch.acknowledge(ackOf(site.result.epoch));
    expect(killSwitch.get(site.result.id)?.acknowledged).toBe(1);
    expect(killSwitch.get(fleet.result.id)?.acknowledged).toBe(0);
  });
});

describe('a restart', () => {
  it.each([
    [{ kind: 'release' as const, release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) }],
    [{ digest: 'b'.repeat(64), rolloutId: 'ro-1', kind: 'rollout' as const }],
    [{ device: 'cam-01', site: 'plant-a', kind: 'device' as const }],
  ])('asserts the very same bytes: %j', async (scope) => {
    await (await openSwitch()).raise({ ...ORDER, scope });
    const fromBoth = await openSwitch();
    expect(await fromBoth.documents()).toEqual([published[0]]);
    const fromDatabase = await openSwitch(join(folder, 'another-journal.json'));
    expect(await fromDatabase.documents()).toEqual([published[0]]);
  });
});

describe('many kills', () => {
  it('fit one signed document, and a fleet kill is taken even then', async () => {
    const killSwitch = await openSwitch();
    const long = 'ä'.repeat(1000);
    for (let i = 0; i < 100; i += 1) {
      const scope = { kind: 'rollout' as const, rolloutId: `ro-${i}`, digest: 'a'.repeat(64) };
      expect(await killSwitch.raise({ scope, reason: long, actor: long.slice(0, 200) })).toMatchObject({
        kind: 'raised',
      });
    }
    const scope = { kind: 'rollout' as const, rolloutId: 'ro-x', digest: 'a'.repeat(64) };
    expect(await killSwitch.raise({ ...ORDER, scope })).toEqual({ kind: 'too-many', active: 100 });
    expect(await killSwitch.raise(ORDER)).toMatchObject({ kind: 'raised' });
    expect(published.at(-1)?.text.length).toBeLessThan(64 * 1024);
  });
});
