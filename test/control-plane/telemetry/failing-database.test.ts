// Telemetry while the database fails: nothing is acknowledged, nothing crashes, states are kept, and it goes on afterwards.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { Telemetry } from '../../../control-plane/telemetry/telemetry.ts';
import type { DeviceEvent, Hello } from '../../../shared/protocol/reports.ts';
import { buildWindow } from '../../shared/measure/window-builder.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const HEADER = { v: 1, ...ADDRESS, boot: 'boot-0001' };

let folder: string;
let database: Database;
let telemetry: Telemetry;
let acks: { seq: number }[];
let killAcks: DeviceEvent[];
let hellos: Hello[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-telemetry-'));
  database = await openDatabase(join(folder, 'belay.db'));
  await sql`pragma busy_timeout = 0`.execute(database); // a locked database answers at once
  acks = [];
  killAcks = [];
  hellos = [];
  telemetry = new Telemetry({
    database,
    presence: new PresenceBook(),
    commitEveryMs: 5,
    gapMs: 60_000,
    isRegistered: () => false,
    onKillAck: (event) => killAcks.push(event),
    onHello: (hello) => hellos.push(hello),
    onReached: () => {},
    onDesiredWritten: () => {},
    publishAck: (mark) => acks.push(mark),
    wallNow: () => 1000,
    log: { debug: () => {}, warn: () => {}, error: () => {} },
  });
});

afterEach(async () => {
  await telemetry.close();
  await database.destroy();
  await rm(folder, { recursive: true });
});

/** Another process holds the file: every write fails until it lets go. */
function lock(): { release(): void } {
  const other = new SqliteDatabase(join(folder, 'belay.db'));
  other.exec('begin immediate');
  return {
    release: () => {
      other.exec('rollback');
      other.close();
    },
  };
}

function ingest(channel: string, document: object): Promise<void> {
  return telemetry.ingest({ ...ADDRESS, channel, payload: Buffer.from(JSON.stringify(document)) });
}

const window = (seq: number) => ingest('window', buildWindow({ ...ADDRESS, boot: 'boot-0001', seq }));

describe('while nothing can be stored', () => {
  it('acknowledges nothing, and counts everything once when it is sent again', async () => {
    await window(1);
    const held = lock();
    await window(2);
    await window(3);
    expect(acks.map(({ seq }) => seq)).toEqual([1]);
    expect(telemetry.fault()).toContain('locked');
    expect(telemetry.counts()).toMatchObject({ stored: 1, failures: 2 });
    held.release();
    await window(2);
    await window(3);
    expect(acks.at(-1)?.seq).toBe(3);
    expect(telemetry.fault()).toBeNull();
    expect(telemetry.counts()).toMatchObject({ stored: 3, duplicates: 0 });
  });

  it('never moves the watermark over what was not stored', async () => {
    const held = lock();
    await window(1);
    held.release();
    await window(2);
    expect(acks.map(({ seq }) => seq)).toEqual([0]);
  });

  it('still hears acknowledgements of kills', async () => {
    const held = lock();
    await ingest('event', { ...HEADER, seq: 1, kind: 'kill-ack', atMs: 0, reason: '', killEpoch: 5 });
    expect(killAcks).toMatchObject([{ killEpoch: 5 }]);
    held.release();
  });

  it('still hears who asks for a lease', async () => {
    const held = lock();
    const hello = { ...HEADER, agentVersion: '0.1.0', line: null, generation: 0, killEpoch: 0, seq: 0 };
    await ingest('hello', { ...hello, hardwareClass: 'x86-64', lease: { nonce: 4, digest: 'b'.repeat(64) } });
    expect(hellos).toMatchObject([{ lease: { nonce: 4 } }]);
    held.release();
  });

  it('keeps the last state of a device and stores it with the next batch', async () => {
    const held = lock();
    const hello = { ...HEADER, agentVersion: '0.1.0', line: null, generation: 0, killEpoch: 0, seq: 0 };
    await ingest('hello', { ...hello, hardwareClass: 'x86-64' });
    held.release();
    await window(1);
    expect(await database.selectFrom('devices').select('hardware_class').execute()).toEqual([
      { hardware_class: 'x86-64' },
    ]);
  });
});
