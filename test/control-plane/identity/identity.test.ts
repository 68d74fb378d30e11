// The identity room on a real database with a clock that the test moves: sessions, tokens, accounts, and the way back in.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Audit, openAudit } from '../../../control-plane/audit/audit.ts';
import { type Database, openDatabase } from '../../../control-plane/database/database.ts';
import { makeFirstAdmin, resetAdmin } from '../../../control-plane/identity/first-admin.ts';
import { type IdentityRoom, openIdentity } from '../../../control-plane/identity/identity.ts';
import { hashPassword, isPassword } from '../../../control-plane/identity/passwords.ts';
import { IDLE_MS_MAX, SESSION_MS_MAX } from '../../../control-plane/identity/session-book.ts';
import type { Grant } from '../../../shared/protocol/api-identity.ts';

const DAY_MS = 24 * 60 * 60_000;
const CHEAP = { logN: 4, r: 1, p: 1 };
const OPERATOR: Grant = { role: 'operator', sites: ['plant-a'] };
const EVERYTHING: Grant = { role: 'admin', sites: '*' };

let folder: string;
let database: Database;
let audit: Audit;
let room: IdentityRoom;
let nowMs: number;
let warnings: number;

async function open(): Promise<IdentityRoom> {
  const log = {
    warn: () => {
      warnings += 1;
    },
  };
  return openIdentity({ database, audit, wallNow: () => nowMs, log, cost: CHEAP });
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-identity-'));
  database = await openDatabase(join(folder, 'belay.db'));
  [nowMs, warnings] = [1_700_000_000_000, 0];
  audit = openAudit({ database, wallNow: () => nowMs });
  room = await open();
});

afterEach(async () => {
  await database.destroy();
  await rm(folder, { recursive: true });
});

async function make(name: string, grants: readonly Grant[] = [OPERATOR]): Promise<void> {
  await room.accounts.create(
    { name, passwordHash: await room.hash('open sesame, lead'), grants, reason: 'test' },
    'admin',
  );
}
const signIn = (name: string, password = 'open sesame, lead') => room.signIn({ name, password, address: '10.0.0.1' });

async function secretOf(name: string): Promise<string> {
  const signedIn = await signIn(name);
  if (signedIn.kind !== 'signed-in') throw new Error(signedIn.kind);
  return signedIn.secret;
}

describe('a flood of sign-ins', () => {
  it('from one address leaves room for others, and who was sent away unheard has not guessed', async () => {
    await make('lead');
    const flood = Array.from({ length: 30 }, () => signIn('nobody', 'a wrong guess'));
    const lead = room.signIn({ name: 'lead', password: 'open sesame, lead', address: '10.0.0.2' });
    expect(await lead).toMatchObject({ kind: 'signed-in' });
    const kinds = (await Promise.all(flood)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'wrong').length).toBeLessThanOrEqual(9);
    expect(kinds).toContain('wait');
    expect(await signIn('lead')).toMatchObject({ kind: 'signed-in' });
  });
});

describe('a password', () => {
  it('is right or wrong, also written with other code points of the same letters', async () => {
    const stored = await hashPassword('Zürich zürich', CHEAP);
    expect(await isPassword(stored, 'Zu\u0308rich zu\u0308rich', CHEAP)).toBe(true);
    expect(await isPassword(stored, 'zürich zürich', CHEAP)).toBe(false);
    expect(await isPassword(null, 'zürich zürich', CHEAP)).toBe(false);
    expect(await isPassword('scrypt$4$1$1$AA', 'x', CHEAP)).toBe(false);
  });

  it('is never in the database, and neither is what a cookie or a token holds', async () => {
    await make('lead');
    const secret = await secretOf('lead');
    const { token } = await room.tokens.create({
      name: 'ci',
      owner: 'lead',
      grants: [OPERATOR],
      mayKill: false,
      days: 1,
    });
    const tables = ['accounts', 'sessions', 'api_tokens', 'audit'] as const;
    const rows = await Promise.all(tables.map((table) => database.selectFrom(table).selectAll().execute()));
    const everything = JSON.stringify(rows);
    for (const hidden of ['open sesame, lead', secret, token]) expect(everything).not.toContain(hidden);
  });

  it('is hashed anew at the cost of today when it is used', async () => {
    await make('lead');
    const dearer = await openIdentity({
      database,
      audit,
      wallNow: () => nowMs,
      log: { warn: () => {} },
      cost: { logN: 5, r: 1, p: 1 },
    });
    expect((await dearer.signIn({ name: 'lead', password: 'open sesame, lead', address: 'x' })).kind).toBe('signed-in');
    expect(dearer.accounts.get('lead')?.password).toMatch(/^scrypt\$5\$/);
  });
});

describe('a session', () => {
  it('ends when nobody uses it, and not while somebody does', async () => {
    await make('lead');
    const secret = await secretOf('lead');
    for (let time = 0; time < 5; time += 1) {
      nowMs += IDLE_MS_MAX - 1;
      expect(room.whoHasSession(secret)?.caller.name).toBe('lead');
    }
    nowMs += IDLE_MS_MAX;
    expect(room.whoHasSession(secret)).toBeNull();
  });

  it('ends after a week, however much it is used', async () => {
    await make('lead');
    const secret = await secretOf('lead');
    const endMs = nowMs + SESSION_MS_MAX;
    for (; nowMs < endMs; nowMs += IDLE_MS_MAX / 2) expect(room.whoHasSession(secret)).not.toBeNull();
    expect(room.whoHasSession(secret)).toBeNull();
  });

  it('outlives a restart, and ends with the account', async () => {
    await make('lead');
    const secret = await secretOf('lead');
    room = await open();
    expect(room.whoHasSession(secret)?.caller).toMatchObject({ name: 'lead', kind: 'person', grants: [OPERATOR] });
    await room.accounts.change('lead', { disabled: true, reason: 'left' }, 'admin');
    expect(room.whoHasSession(secret)).toBeNull();
    expect((await signIn('lead')).kind).toBe('wrong');
  });

  it('begins and can be used while the database is not there', async () => {
    await make('lead');
    await database.destroy();
    const secret = await secretOf('lead');
    expect(room.whoHasSession(secret)?.caller.mayKill).toBe(true);
    expect(warnings).toBeGreaterThan(0);
    database = await openDatabase(join(folder, 'belay.db'));
  });

  it('is begun by a link once, soon, and for nobody who was disabled', async () => {
    await make('lead');
    const { secret } = room.sessions.newLink('lead');
    expect((await room.signInByLink(secret))?.session.account).toBe('lead');
    expect(await room.signInByLink(secret)).toBeNull();
    const late = room.sessions.newLink('lead').secret;
    nowMs += 15 * 60_000;
    expect(await room.signInByLink(late)).toBeNull();
    const last = room.sessions.newLink('lead').secret;
    await room.accounts.change('lead', { disabled: true, reason: 'left' }, 'admin');
    expect(await room.signInByLink(last)).toBeNull();
  });
});

describe('a token', () => {
  it('acts as its owner, within what both may now, until it ends', async () => {
    await make('lead', [{ role: 'approver', sites: ['plant-a', 'plant-b'] }]);
    const wanted = { grants: [{ role: 'approver' as const, sites: ['plant-a'] }], mayKill: true };
    const { token } = await room.tokens.create({ name: 'ci', owner: 'lead', days: 30, ...wanted });
    expect(room.whoHasToken(token)).toMatchObject({ name: 'lead', kind: 'token', ...wanted });
    await room.accounts.change(
      'lead',
      { grants: [{ role: 'viewer', sites: '*' }], mayKill: false, reason: 'moved' },
      'admin',
    );
    expect(room.whoHasToken(token)).toMatchObject({ grants: [{ role: 'viewer', sites: ['plant-a'] }], mayKill: false });
    nowMs += 30 * DAY_MS;
    expect(room.whoHasToken(token)).toBeNull();
  });

  it('is over at once when it is revoked, or its owner disabled', async () => {
    await make('lead');
    const made = await room.tokens.create({ name: 'ci', owner: 'lead', grants: [OPERATOR], mayKill: false, days: 1 });
    const other = await room.tokens.create({ name: 'cd', owner: 'lead', grants: [OPERATOR], mayKill: false, days: 1 });
    await room.tokens.revoke(made.id, 'lead');
    expect(room.whoHasToken(made.token)).toBeNull();
    room = await open();
    expect(room.whoHasToken(made.token)).toBeNull();
    expect(room.whoHasToken(other.token)).not.toBeNull();
    await room.accounts.change('lead', { disabled: true, reason: 'left' }, 'admin');
    expect(room.whoHasToken(other.token)).toBeNull();
  });
});

describe('accounts', () => {
  it('keep a last one that administers everything, also when two are changed at once', async () => {
    await make('lead', [EVERYTHING]);
    await make('second', [EVERYTHING]);
    const change = (name: string) => room.accounts.change(name, { disabled: true, reason: 'test' }, 'admin');
    const both = await Promise.all([change('lead'), change('second')]);
    expect(both.map(({ kind }) => kind)).toEqual(['changed', 'last-admin']);
    const less = { grants: [{ role: 'admin' as const, sites: ['plant-a'] }], reason: 'test' };
    expect((await room.accounts.change('second', less, 'admin')).kind).toBe('last-admin');
  });

  it('are recorded with who changed them, never with a password', async () => {
    await make('lead');
    await room.accounts.change(
      'lead',
      { passwordHash: await room.hash('another one'), reason: 'forgotten' },
      'root-of-plant',
    );
    const [row] = await audit.list({ limit: 1 });
    expect(row).toMatchObject({
      actor: 'root-of-plant',
      action: 'account-changed',
      subject: 'account/lead',
      reason: 'forgotten',
    });
    expect(row?.details).toMatchObject({ passwordChanged: true });
  });

  it('that nobody can sign in to are told as wrong, in one row of the audit for many attempts', async () => {
    await make('lead');
    for (let time = 0; time < 60; time += 1) {
      await signIn(time % 2 ? 'lead' : 'secret-in-the-wrong-field', 'guess');
      nowMs += 31_000 / 2;
    }
    const rows = (await audit.list({ limit: 100 })).filter(({ action }) => action === 'sign-in-failed');
    expect(rows.length).toBeLessThanOrEqual(4);
    expect(rows.some(({ reason }) => /and \d+ more/.test(reason))).toBe(true);
    expect(JSON.stringify(rows)).not.toContain('secret-in-the-wrong-field');
  });
});

describe('the first admin', () => {
  it('is made once, where there is no account at all', async () => {
    const password = (await makeFirstAdmin(room)) ?? '';
    expect(password).toMatch(/^([a-km-z2-9]{6}-){3}[a-km-z2-9]{6}$/);
    expect((await signIn('admin', password)).kind).toBe('signed-in');
    expect(await makeFirstAdmin(room)).toBeNull();
  });

  it('gets a new password on the machine itself, and everything back that was taken away', async () => {
    const old = (await makeFirstAdmin(room)) ?? '';
    await make('second', [EVERYTHING]);
    await room.accounts.change('admin', { disabled: true, reason: 'test' }, 'second');
    const password = await resetAdmin(room);
    expect((await signIn('admin', old)).kind).toBe('wrong');
    expect((await signIn('admin', password)).kind).toBe('signed-in');
    expect(room.accounts.get('admin')).toMatchObject({ disabled: false, grants: [EVERYTHING], mayKill: true });
  });
});
