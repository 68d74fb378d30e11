// Lists that are sent again: never after a change, never to who has other rights, and with the tags that lists have.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import type { HttpApp } from '../../../control-plane/http/app.ts';
import { buildServer } from '../../../control-plane/http/server.ts';
import { ANYBODY } from '../../../control-plane/identity/caller.ts';

let app: HttpApp;
let revision: string;
let nowMs: number;
let made: number;

beforeEach(async () => {
  [revision, nowMs, made] = ['1', 0, 0];
  const access = openToAnybody();
  app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: false,
    access: {
      ...access,
      whoAsks: ({ headers }) => {
        const site = String(headers['x-site'] ?? '*');
        const grants = site === '*' ? ANYBODY.grants : [{ role: 'viewer' as const, sites: [site] }];
        return { kind: 'known', caller: { ...ANYBODY, grants }, csrf: null };
      },
    },
    answers: { revision: () => revision, now: () => nowMs },
  });
  for (const [path, repeats] of [
    ['/kept', true],
    ['/made', false],
  ] as const)
    app.get(
      path,
      { schema: { response: { 200: z.looseObject({ made: z.number() }) } }, config: { needs: 'view', repeats } },
      async () => {
        made += 1;
        return { made };
      },
    );
});

afterEach(() => app.close());

const ask = async (url: string, headers: Record<string, string> = {}) => {
  const { statusCode, body, headers: told } = await app.inject({ url, headers });
  return { statusCode, made: body === '' ? null : (JSON.parse(body) as { made: number }).made, told };
};

describe('a list that is asked for again', () => {
  it('is sent again, with the same tag and type, while nothing has changed', async () => {
    const first = await ask('/kept');
    const second = await ask('/kept');
    expect([first.made, second.made]).toEqual([1, 1]);
    for (const name of ['etag', 'content-type', 'cache-control', 'content-length'])
      expect(second.told[name], name).toBe(first.told[name]);
    const known = await ask('/kept', { 'if-none-match': String(first.told.etag) });
    expect([known.statusCode, known.made]).toEqual([304, null]);
  });

  it('is kept when the first who asks has it already', async () => {
    const { told } = await ask('/kept');
    revision = '2';
    made = 0;
    expect((await ask('/kept', { 'if-none-match': String(told.etag) })).statusCode).toBe(304);
    expect((await ask('/kept')).made).toBe(1);
    expect(made).toBe(1);
  });

  it('is made anew after a change, after a second, for another address and for other rights', async () => {
    expect((await ask('/kept')).made).toBe(1);
    revision = '2';
    expect((await ask('/kept')).made).toBe(2);
    nowMs += 1001;
    expect((await ask('/kept')).made).toBe(3);
    expect((await ask('/kept?limit=1')).made).toBe(4);
    expect((await ask('/kept', { 'x-site': 'plant-a' })).made).toBe(5);
    expect((await ask('/kept', { 'x-site': 'plant-b' })).made).toBe(6);
    expect((await ask('/kept')).made).toBe(3);
  });

  it('is made anew where the route does not say that it may be repeated, and where members are left out', async () => {
    expect([(await ask('/made')).made, (await ask('/made')).made]).toEqual([1, 2]);
    expect([(await ask('/kept?fields=made')).made, (await ask('/kept?fields=made')).made]).toEqual([3, 4]);
  });
});
