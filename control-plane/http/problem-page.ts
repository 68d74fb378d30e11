// The page behind the `type` of a problem: what it means and what to do, for people (HTML) and for programs (JSON).
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, type ProblemCode } from '../../shared/protocol/api-problems.ts';
import { PROBLEM_WORDS } from '../../shared/protocol/problem-words.ts';
import { ProblemError } from './problems.ts';

export function sendProblemPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code } = request.params as { readonly code: string };
  if (!isCode(code)) throw new ProblemError('not-found', `no problem is called "${code}"`);
  const { status, title, fix } = PROBLEMS[code];
  const about = PROBLEM_WORDS[code];
  reply.header('vary', 'accept');
  if (!request.headers.accept?.includes('text/html')) return reply.send({ code, status, title, about, fix });
  // All words are ours: there is nothing to escape but what stands in backquotes.
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title} · Belay</title><style>body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}</style>
<h1>${title}</h1><p><code>${code}</code>, status ${status}</p><p>${inCode(about)}</p><h2>What to do</h2><p>${inCode(fix)}</p></html>\n`;
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(page);
}

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

function inCode(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}
