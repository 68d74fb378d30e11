// A refusal is a page for who came with a browser, and a document for everybody else.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openToAnybody } from '../../../control-plane/http/access.ts';
import { ProblemError } from '../../../control-plane/http/problems.ts';
import { buildServer, type HttpApp } from '../../../control-plane/http/server.ts';

/** What browsers send with a navigation. */
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

let app: HttpApp;
beforeAll(async () => {
  const log = pino({ level: 'silent' });
  app = await buildServer({ version: 'test', log, loopbackOnly: true, access: openToAnybody() });
  app.get('/v1/secret', { config: { needs: 'public' } }, async () => {
    throw new ProblemError('forbidden', '<b>ana</b> lacks the role admin', [{ path: 'site', message: 'plant-b' }]);
  });
});
afterAll(() => app.close());

const ask = (url: string, accept: string) => app.inject({ url, headers: { accept } });

describe('a refusal', () => {
  it('is a page for a browser: what, why, what to do, and a way on', async () => {
    const { statusCode, headers, body } = await ask('/v1/secret', BROWSER);
    expect(statusCode).toBe(403);
    expect(headers['content-type']).toContain('text/html');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers.vary).toContain('accept');
    expect(body).toContain('<h1>A role is missing</h1>');
    expect(body).toContain('&lt;b&gt;ana&lt;/b&gt; lacks the role admin');
    expect(body).toContain('<code>site</code>: plant-b');
    expect(body).toContain('<h2>What to do</h2>');
    expect(body).toContain('href="/sign-in"');
    expect(body).toContain('href="/problems/forbidden"');
  });

  it('is problem+json for scripts and programs', async () => {
    for (const accept of ['application/json', '*/*', 'application/problem+json, text/html;q=0.1']) {
      const { headers, body } = await ask('/v1/secret', accept);
      expect(headers['content-type']).toContain('application/problem+json');
      expect(JSON.parse(body)).toMatchObject({ status: 403, type: '/problems/forbidden' });
    }
  });

  it('is a page too where no page is, and a document for a part of a page', async () => {
    const page = await ask('/no/such/page', BROWSER);
    expect(page.statusCode).toBe(404);
    expect(page.body).toContain('href="/"');
    expect(page.body).not.toContain('href="/sign-in"');
    expect((await ask('/assets/gone.js', BROWSER)).headers['content-type']).toContain('application/problem+json');
  });

  it('is explained at its own address', async () => {
    const { statusCode, body } = await ask('/problems/forbidden', BROWSER);
    expect(statusCode).toBe(200);
    expect(body).toContain('<code>forbidden</code>, status 403');
  });
});
