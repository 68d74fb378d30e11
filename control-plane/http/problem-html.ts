// A refusal as a page, for who went to an address with a browser: what was refused, why, and where to go on. Programs get the
// same as problem+json (problems.ts).
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../shared/basics/parsing.ts';
import type { ProblemDocument } from '../../shared/protocol/api-problems.ts';
import { type Html, html, type Piece } from './html.ts';

/** A browser that goes somewhere asks for pages; scripts and programs ask for documents, or for anything. */
export function wantsPage({ headers, raw: { url } }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') === true && !headers.accept.includes('json') && !isAsset(url);
}

function isAsset(url: string | undefined): boolean {
  return url?.startsWith('/assets/') === true;
}

export function sendHtml(reply: FastifyReply, title: string, body: Html): FastifyReply {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title} · Belay</title>
<style>body{font:16px/1.5 system-ui,"DejaVu Sans",sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}
:root{color-scheme:light dark}nav{display:flex;flex-wrap:wrap;gap:1rem}small{opacity:.75}a{color:light-dark(#1459b3,#7db4ff)}</style></head>
<body><main>${body}</main></body></html>
`;
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
    .header('x-content-type-options', 'nosniff')
    .send(page.toString());
}

export type Refusal = Pick<ProblemDocument, 'title' | 'status' | 'detail' | 'fix' | 'type' | 'requestId'> & {
  readonly errors: readonly Problem[];
};

export function sendRefusal(reply: FastifyReply, { title, status, detail, fix, type, requestId, errors }: Refusal) {
  const named: readonly Piece[] = errors.map(({ path, message }) => html`<li><code>${path}</code>: ${message}</li>`);
  const body = html`<h1>${title}</h1>
<p>${detail}</p>${named.length > 0 && html`<ul>${named}</ul>`}
<h2>What to do</h2><p>${inCode(fix)}</p>
<nav aria-label="Where to go on"><a href="/">The fleet</a> <a href="/kill">Kill switch</a>
${status === 401 || status === 403 ? html`<a href="/sign-in">Sign in as somebody else</a>` : null}</nav>
<p><small>Status ${status}, <a href="${type}">what this means</a>, request ${requestId}</small></p>`;
  return sendHtml(reply, title, body);
}

/** What stands in backquotes is a command. */
export function inCode(text: string): readonly Piece[] {
  return text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part));
}
