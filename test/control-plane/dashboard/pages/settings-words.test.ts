// Roles as text, standings of tokens, and what the audit page asks.
import { describe, expect, it } from 'vitest';
import { auditQuery, checkText } from '../../../../control-plane/dashboard/pages/settings/audit-words.ts';
import {
  readGrants,
  sectionOf,
  tokenStanding,
  whyNoToken,
  whyNotRight,
  writeGrants,
} from '../../../../control-plane/dashboard/pages/settings/settings-words.ts';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { SessionAnswer } from '../../../../shared/protocol/api-identity.ts';

function signedIn(kind: 'person' | 'nobody', open = false): SessionAnswer {
  const identity = {
    name: 'on-call',
    kind,
    grants: [{ role: 'operator' as const, sites: '*' as const }],
    mayKill: true,
  };
  return { identity, csrf: null, expiresAtMs: null, open };
}

describe('readGrants', () => {
  it('reads what writeGrants writes', () => {
    const text = 'operator@plant-a,plant-b viewer';
    const read = readGrants(text);
    expect(read).toEqual({
      kind: 'grants',
      grants: [
        { role: 'operator', sites: ['plant-a', 'plant-b'] },
        { role: 'viewer', sites: '*' },
      ],
    });
    expect(read.kind === 'grants' && writeGrants(read.grants)).toBe(text);
  });

  it.each([
    ['', 'at least one role'],
    ['king@plant-a', '"king" is no role'],
    ['operator@', 'names no site'],
  ])('says what is wrong with %j', (text, says) => {
    expect(readGrants(text)).toMatchObject({ kind: 'mistake', says: expect.stringContaining(says) });
  });
});

describe('why something is off', () => {
  it('names the role that is missing, and nothing where nobody has to sign in', () => {
    expect(whyNotRight(signedIn('person'), 'administer')).toContain('on-call lacks the role');
    expect(whyNotRight(signedIn('nobody', true), 'administer')).toBeNull();
    expect(whyNoToken(signedIn('nobody', true))).toContain('sign in first');
    expect(whyNoToken(signedIn('person'))).toBeNull();
  });
});

describe('tokenStanding', () => {
  it('warns two weeks before the end', () => {
    const day = 86_400_000;
    expect([40, 3, 0].map((days) => tokenStanding({ expiresAtMs: days * day }, 0))).toEqual([
      '40 days left',
      '! 3 days left',
      '✕ expired',
    ]);
  });
});

describe('auditQuery', () => {
  it('asks in milliseconds, UTC where no zone is said, and leaves out what cannot be read', () => {
    expect(
      endpoint('GET /v1/audit', auditQuery({ actor: 'on-call', from: '2026-01-31', to: 'soon', before: '7' })).path,
    ).toBe('/v1/audit?limit=100&beforeSeq=7&actor=on-call&fromMs=1769817600000');
  });

  it('tells a broken chain apart', () => {
    expect(checkText({ kind: 'broken', seq: 7, reason: 'row 7 is missing' })).toContain(
      '✕ The chain is broken at row 7',
    );
  });
});

describe('sectionOf', () => {
  it('falls back to one’s own', () => {
    expect([sectionOf('tokens'), sectionOf('x'), sectionOf(undefined)]).toEqual(['tokens', 'you', 'you']);
  });
});
