// Serves the built dashboard: its files by name for ever (they carry their hash), and its page for every address that a page has.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply } from 'fastify';
import type { HttpApp } from './server.ts';

/** Only its own files, and nobody may frame it; styles in attributes are how widths of bars are set. */
const POLICY =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** First segments of the addresses that the dashboard answers; `/kill` and `/sign-in` also work without JavaScript. */
const PAGES = ['fleet', 'rollouts', 'devices', 'models', 'incidents', 'audit', 'settings'] as const;

/** The page itself says nothing; what it shows it has to ask for. */
const OPEN = { schema: { hide: true }, config: { needs: 'public' } } as const;

const MISSING =
  '<!doctype html><title>Belay</title><h1>The dashboard is not built</h1><p>Run <code>npm run dashboard:build</code>, then load this page again.</p>';

export async function registerDashboard(app: HttpApp, folder: string): Promise<void> {
  if (existsSync(join(folder, 'assets'))) {
    await app.register(fastifyStatic, {
      root: join(folder, 'assets'),
      prefix: '/assets/',
      immutable: true,
      maxAge: '365d',
      schemaHide: true,
    });
  }
  const page = async (_: unknown, reply: FastifyReply) => sendPage(reply, folder);
  app.get('/', OPEN, page);
  for (const segment of PAGES) {
    app.get(`/${segment}`, OPEN, page);
    app.get(`/${segment}/*`, OPEN, page);
  }
  app.get('/icon.svg', OPEN, async (_, reply) =>
    reply.type('image/svg+xml').send(await readFile(join(folder, 'icon.svg'))),
  );
}

async function sendPage(reply: FastifyReply, folder: string): Promise<FastifyReply> {
  const text = await readFile(join(folder, 'index.html'), 'utf8').catch(() => MISSING);
  return secured(reply).type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(text);
}

/** Headers of every page that a browser shows. */
export function secured(reply: FastifyReply): FastifyReply {
  return reply
    .header('content-security-policy', POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('referrer-policy', 'same-origin');
}
