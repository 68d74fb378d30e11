// /kill as a page that needs no script: a form that is posted, and a page that refreshes itself until everybody has obeyed.
// With scripts the dashboard takes its place. It is made from memory alone, and the kill goes the same way as POST /v1/kills.
import formbody from '@fastify/formbody';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { KillProgress } from '../../shared/protocol/api-kill-page.ts';
import { killScopeInputSchema } from '../../shared/protocol/api-kills.ts';
import { maySomewhere } from '../../shared/protocol/permissions.ts';
import { secured } from './dashboard.ts';
import {
  chosenBy,
  type KillForm,
  killFormHtml,
  killProgressHtml,
  readKillForm,
  rearmHtml,
  titleOf,
} from './kill-page-html.ts';
import { type PlainPage, plainPage } from './plain-page.ts';
import { choicesNow, type KillProgressParts, progressNow } from './routes/kill-progress.ts';
import { demandKill, type KillRouteParts } from './routes/kills.ts';
import type { HttpApp } from './server.ts';

export type KillPageParts = KillRouteParts &
  KillProgressParts & {
    /** Of the built dashboard, which takes over where scripts run. */
    readonly dashboardFolder: string;
  };

const field = (length: number) => z.string().max(length).default('');
const killFieldsSchema = z.looseObject({
  scope: field(300),
  device: field(200),
  reason: field(1000),
  typed: field(100),
  confirm: field(10),
  actor: z.string().min(1).max(200).default('operator'),
});
const rearmFieldsSchema = z.looseObject({
  reason: field(1000),
  typed: field(100),
  actor: z.string().min(1).max(200).default('operator'),
});
const querySchema = z.looseObject({ scope: field(300) });
const rearmQuerySchema = z.looseObject({ rearm: z.literal('yes').optional() });
const pathSchema = z.looseObject({ id: z.string().min(1).max(64) });

/** While devices are still to answer, and when only absent ones are left. */
const REFRESH_SOON_S = 1;
const REFRESH_LATER_S = 15;

const PAGE = { needs: 'view', page: true } as const;
const KILL = { needs: 'kill', scope: 'somewhere' } as const;
const REARM = { needs: 'operate' } as const;

/** In a scope of its own: nothing else takes bodies of forms. */
export function registerKillPage(app: HttpApp, parts: KillPageParts): void {
  app.register(async (scoped: HttpApp) => {
    await scoped.register(formbody);
    registerForm(scoped, parts);
    registerProgress(scoped, parts);
  });
}

function registerForm(app: HttpApp, parts: KillPageParts): void {
  app.get('/kill', { schema: { hide: true, querystring: querySchema }, config: PAGE }, async (request, reply) => {
    return sendForm({ request, reply, parts }, chosenBy(request.query.scope), null);
  });
  app.post('/kill', { schema: { hide: true, body: killFieldsSchema }, config: KILL }, async (request, reply) => {
    const { scope, device, reason, typed, confirm, actor } = request.body;
    const form = { scope, device, reason };
    const read = readKillForm(form, { confirm, typed });
    const raised = read.kind === 'mistake' ? read : await raise(parts, { ...read, actor }, request);
    if (raised.kind === 'raised') return reply.redirect(`/kill/${raised.id}`, 303);
    return sendForm({ request, reply: reply.code(422), parts }, form, `Nothing was killed. ${raised.says}`);
  });
}

function registerProgress(app: HttpApp, parts: KillPageParts): void {
  app.get(
    '/kill/:id',
    { schema: { hide: true, params: pathSchema, querystring: rearmQuerySchema }, config: PAGE },
    async (request, reply) => {
      const exchange = { request, reply, parts };
      const kill = progressNow(parts, request.params.id);
      if (kill === null) return sendUnknown(exchange, request.params.id);
      if (kill.active && request.query.rearm === 'yes') return sendRearm(exchange, kill, null);
      const page = { title: titleOf(kill), body: killProgressHtml(kill, parts.wallNow()), refreshS: refreshOf(kill) };
      return send(exchange, page);
    },
  );
  app.post(
    '/kill/:id/rearm',
    { schema: { hide: true, params: pathSchema, body: rearmFieldsSchema }, config: REARM },
    async (request, reply) => {
      const { id } = request.params;
      const mistake = await rearm(parts, id, request.body);
      if (mistake === null) return reply.redirect(`/kill/${id}`, 303);
      const kill = progressNow(parts, id);
      if (kill === null) return sendUnknown({ request, reply, parts }, id);
      return sendRearm({ request, reply: reply.code(422), parts }, kill, mistake);
    },
  );
}

const NO_RIGHT = 'You have no kill right; an operator has it, and an account with the role admin can give it.';

type Exchange = {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly parts: KillPageParts;
};

async function sendForm(exchange: Exchange, form: KillForm, mistake: string | null): Promise<FastifyReply> {
  const { request, parts } = exchange;
  const says = mistake ?? (maySomewhere(request.identity, 'kill') ? null : NO_RIGHT);
  const facts = { ...(await choicesNow(parts, request)), form, mistake: says, csrf: request.csrf };
  return send(exchange, { title: 'Kill switch', body: killFormHtml(facts), refreshS: null });
}

function sendUnknown({ request, reply, parts }: Exchange, id: string): Promise<FastifyReply> {
  return sendForm({ request, reply: reply.code(404), parts }, chosenBy(''), `No kill is called "${id}".`);
}

function sendRearm(exchange: Exchange, kill: KillProgress, mistake: string | null): Promise<FastifyReply> {
  const body = rearmHtml({ kill, mistake, csrf: exchange.request.csrf });
  return send(exchange, { title: `Re-arm ${titleOf(kill)}`, body, refreshS: null });
}

async function send({ reply, parts }: Exchange, page: PlainPage): Promise<FastifyReply> {
  const text = await plainPage(page, parts.dashboardFolder);
  return secured(reply).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(text);
}

function refreshOf({ active, stragglerCount, offlineCount }: KillProgress): number | null {
  if (!active) return null;
  if (stragglerCount > 0) return REFRESH_SOON_S;
  return offlineCount > 0 ? REFRESH_LATER_S : null;
}

type Raised = { readonly kind: 'raised'; readonly id: string } | { readonly kind: 'mistake'; readonly says: string };

async function raise(
  { killSwitch, lookUp, onChange }: KillPageParts,
  { scope, reason, actor }: { readonly scope: object; readonly reason: string; readonly actor: string },
  request: FastifyRequest,
): Promise<Raised> {
  const input = killScopeInputSchema.safeParse(scope);
  if (!input.success)
    return { kind: 'mistake', says: `Its name is not valid: ${input.error.issues[0]?.message ?? ''}` };
  const resolved = await lookUp(input.data);
  if (resolved.kind !== 'found') return { kind: 'mistake', says: resolved.reason };
  await demandKill(request, resolved.scope);
  const raised = await killSwitch.raise({ scope: resolved.scope, reason, actor });
  if (raised.kind === 'too-many')
    return { kind: 'mistake', says: `${raised.active} kills are in force there already: kill the site or the fleet.` };
  onChange();
  // Also when it could not be published yet: it is kept and sent again, and its page says so.
  return { kind: 'raised', id: raised.result.id };
}

/** Null when it is done. */
async function rearm(
  { killSwitch, onChange }: KillPageParts,
  id: string,
  { reason, typed, actor }: z.infer<typeof rearmFieldsSchema>,
): Promise<string | null> {
  if (reason.trim() === '') return 'Say why: a reason is needed.';
  if (typed.trim() !== id) return `Type ${id} to confirm.`;
  const rearmed = await killSwitch.rearm(id, { actor, reason: reason.trim() });
  if (rearmed.kind === 'unknown') return 'No kill is called so.';
  if (rearmed.kind === 'not-recorded') return `Re-arming could not be recorded: ${rearmed.reason}`;
  if (rearmed.kind === 'rearmed') onChange();
  return null;
}
