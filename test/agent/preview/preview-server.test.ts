// Who the preview lets in, what it answers, and that an address which is taken stops nothing.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { refusal } from '../../../agent/preview/guard.ts';
import { type PreviewOptions, previewSchema } from '../../../agent/preview/options.ts';
import { PreviewServer } from '../../../agent/preview/preview-server.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const asked = { method: 'GET', host: '127.0.0.1:8765', fetchSite: undefined, fetchDest: undefined };

describe('refusal', () => {
  it.each(['127.0.0.1', '127.0.0.1:8765', 'localhost:1', '[::1]:8765', 'LOCALHOST'])('welcomes %s', (host) => {
    expect(refusal({ ...asked, host }, '127.0.0.1')).toBeNull();
  });

  it.each([undefined, '', 'evil.example', 'localhost.evil.example', '10.0.0.9', '127.0.0.1@evil.example', '::1'])(
    'is not spoken to as %s',
    (host) => {
      expect(refusal({ ...asked, host }, '127.0.0.1')?.status).toBe(421);
    },
  );

  it('is spoken to by the address that it was bound to, and by any address when bound to all, never by a name', () => {
    expect(refusal({ ...asked, host: '10.0.0.9:8765' }, '10.0.0.9')).toBeNull();
    expect(refusal({ ...asked, host: '10.0.0.9:8765' }, '0.0.0.0')).toBeNull();
    expect(refusal({ ...asked, host: 'box.evil.example' }, '0.0.0.0')?.status).toBe(421);
  });

  it('lets no page of another site embed or fetch, and follows links', () => {
    const foreign = { ...asked, fetchSite: 'cross-site' };
    expect(refusal({ ...foreign, fetchDest: 'image' }, '127.0.0.1')?.status).toBe(403);
    expect(refusal({ ...foreign, fetchDest: 'iframe' }, '127.0.0.1')?.status).toBe(403);
    expect(refusal({ ...foreign, fetchDest: 'document' }, '127.0.0.1')).toBeNull();
    expect(refusal({ ...asked, fetchSite: 'same-origin', fetchDest: 'image' }, '127.0.0.1')).toBeNull();
  });

  it('has nothing to change', () => {
    expect(refusal({ ...asked, method: 'POST' }, '127.0.0.1')?.status).toBe(405);
    expect(refusal({ ...asked, method: 'HEAD' }, '127.0.0.1')).toBeNull();
  });
});

describe('previewSchema', () => {
  it('is off unless it is asked for, and on this box alone unless an address is named', () => {
    expect(previewSchema.parse(undefined)).toBeNull();
    expect(previewSchema.parse({})).toEqual({ port: 8765, host: '127.0.0.1' });
    expect(previewSchema.safeParse({ host: 'box.example' }).success).toBe(false);
  });
});

describe('the preview server', () => {
  const servers: PreviewServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  async function open(options: Partial<PreviewOptions> = {}) {
    const log = openRecordingLog();
    const server = new PreviewServer({
      options: { port: 0, host: '127.0.0.1', ...options },
      page: () => '<!doctype html><main></main>',
      facts: () => ({ phase: 'baseline' }),
      bitmap: (cameraId, id) => (cameraId === 'top' && id === 7 ? Buffer.from('BM') : null),
      log,
    });
    servers.push(server);
    server.listen();
    await expect.poll(() => log.entries.length).toBeGreaterThan(0);
    return { log, url: String(log.entries[0]?.fields.url) };
  }

  type Reply = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

  async function ask(url: string, path: string, options: { method?: string; headers?: Record<string, string> } = {}) {
    const sent = request(new URL(path, url), options).end();
    const [response] = await once(sent, 'response');
    let body = '';
    for await (const chunk of response) body += chunk;
    return { status: response.statusCode, headers: response.headers, body } satisfies Reply;
  }

  it('serves the page, its facts, its two files and pictures, and nothing else', async () => {
    const { url } = await open();
    const types = await Promise.all(
      ['/', '/?again', '/facts.json', '/preview.css', '/preview.js', '/frames/top/7.bmp'].map(async (path) => {
        const { status, headers } = await ask(url, path);
        return `${status} ${headers['content-type']}`;
      }),
    );
    expect(types).toEqual([
      '200 text/html; charset=utf-8',
      '200 text/html; charset=utf-8',
      '200 application/json; charset=utf-8',
      '200 text/css; charset=utf-8',
      '200 text/javascript; charset=utf-8',
      '200 image/bmp',
    ]);
    const strange = ['/frames/top/8.bmp', '/frames/../7.bmp', '/../main.ts', '/constructor', '/frames/top/7'];
    for (const path of strange) expect((await ask(url, path)).status).toBe(404);
  });

  it('lets a browser load nothing from elsewhere, keep nothing, and show it in no frame', async () => {
    const { url } = await open();
    const { headers } = await ask(url, '/');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('is closed to foreign names and to writing', async () => {
    const { url } = await open();
    expect((await ask(url, '/', { headers: { host: 'evil.example' } })).status).toBe(421);
    const posted = await ask(url, '/', { method: 'POST' });
    expect(posted.status).toBe(405);
    expect(posted.headers.allow).toBe('GET, HEAD');
    expect((await ask(url, '/', { method: 'HEAD' })).body).toBe('');
  });

  it('says that its address is taken, and leaves it at that', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { log } = await open({ port: (taken.address() as AddressInfo).port });
    expect(log.entries[0]).toMatchObject({ level: 'warn', fields: { reason: expect.stringContaining('EADDRINUSE') } });
    taken.close();
  });
});
