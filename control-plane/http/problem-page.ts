// The page behind the `type` of a problem: what it means and what to do, for people (HTML) and for programs (JSON).
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEMS, type ProblemCode } from '../../shared/protocol/api-problems.ts';
import { PROBLEM_WORDS } from '../../shared/protocol/problem-words.ts';
import { html } from './html.ts';
import { inCode, sendHtml } from './problem-html.ts';
import { ProblemError } from './problems.ts';

export function sendProblemPage(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code } = request.params as { readonly code: string };
  if (!isCode(code)) throw new ProblemError('not-found', `no problem is called "${code}"`);
  const { status, title, fix } = PROBLEMS[code];
  const about = PROBLEM_WORDS[code];
  reply.header('vary', 'accept');
  if (!request.headers.accept?.includes('text/html')) return reply.send({ code, status, title, about, fix });
  return sendHtml(
    reply,
    title,
    html`<h1>${title}</h1><p><code>${code}</code>, status ${status}</p><p>${inCode(about)}</p>
<h2>What to do</h2><p>${inCode(fix)}</p>`,
  );
}

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}
