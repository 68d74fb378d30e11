// The way through long lists: which page the address asks for, and what the command line is told of the filters.
import { describe, expect, it } from 'vitest';
import { pagesOf } from '../../../../control-plane/dashboard/pages/parts/words.ts';
import { countText, listAddress } from '../../../../control-plane/dashboard/pages/rollout/filters.ts';
import { auditCommand } from '../../../../control-plane/dashboard/pages/settings/audit-words.ts';

describe('the pages of a list', () => {
  it('are addresses that keep every filter', () => {
    const query = { rollout: 'ro', state: 'open' };
    expect(pagesOf({ path: '/incidents', query, next: 'abc' })).toEqual({
      newest: null,
      older: '/incidents?rollout=ro&state=open&cursor=abc',
    });
    expect(pagesOf({ path: '/incidents', query: { ...query, cursor: 'abc' }, next: undefined })).toEqual({
      newest: '/incidents?rollout=ro&state=open',
      older: null,
    });
    expect(pagesOf({ path: '/audit', query: { actor: 'ana' }, next: '41', name: 'before' }).older).toBe(
      '/audit?actor=ana&before=41',
    );
  });

  it('of rollouts ask the server for those under way where no others are wanted', () => {
    expect(listAddress({}).path).toBe('/v1/rollouts?limit=100');
    expect(listAddress({ state: 'open', site: 'plant-a' }).path).toBe('/v1/rollouts?limit=100&state=active');
    expect(listAddress({ state: 'ended', cursor: 'abc' }).path).toBe('/v1/rollouts?limit=100&cursor=abc');
  });

  it('say that a count is of one page only', () => {
    expect([countText(3, 7, undefined), countText(3, 100, 'abc')]).toEqual(['3 of 7', '3 of 100 on this page']);
  });
});

describe('the command of the audit page', () => {
  it('asks for what the page shows, quoted for a shell', () => {
    expect(auditCommand({})).toBe('belay audit list');
    expect(auditCommand({ actor: "o'neil", subject: 'device/plant-a', before: '9', from: '2026-03-01T06:00' })).toBe(
      `belay audit list --by 'o'\\''neil' --subject device/plant-a --from 2026-03-01T06:00`,
    );
  });
});
