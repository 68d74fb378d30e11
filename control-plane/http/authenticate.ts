// The hooks before every route: who asks, whether that is enough, and that no other page made a browser ask. Deny by default:
// a route without `needs` is refused at registration, a path that touches sites asks for the right on them.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CSRF_HEADER } from '../../shared/protocol/api-identity.ts';
import {
  LEAST_ROLE,
  may,
  mayOnAll,
  maySomewhere,
  type Right,
  type SiteName,
  sees,
} from '../../shared/protocol/permissions.ts';
import { type Caller, NOBODY } from '../identity/caller.ts';
import { isSame } from '../identity/secrets.ts';
import type { Access, Asking } from './access.ts';
import type { HttpApp } from './app.ts';
import { type Needs, needsOf } from './needs.ts';
import { ProblemError } from './problems.ts';

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const FORM = 'application/x-www-form-urlencoded';

/** To be called before any route is registered. */
export function guardRoutes(app: HttpApp, access: Access): void {
  app.decorateRequest('identity', null as unknown as Caller);
  app.decorateRequest('csrf', null);
  app.decorate('sitesOf', access.sitesOf);
  app.addHook('onRoute', (route) => void needsOf(route));
  app.addHook('onRequest', async (request, reply) => {
    request.identity = NOBODY;
    if (request.is404) return;
    const asking = access.whoAsks(request);
    if (asking.kind === 'known') Object.assign(request, { identity: asking.caller, csrf: asking.csrf });
    refuseForeignPage(access, request);
    const needs = needsOf(request.routeOptions);
    if (needs === 'public') return;
    if (asking.kind !== 'known') return refuseStranger(request, reply, asking);
    if (!isForm(request)) refuseWithoutCsrf(request, request.headers[CSRF_HEADER]);
    await refuseWithoutRight(access, request, needs);
  });
  app.addHook('preValidation', async (request) => {
    // The field of a form is known only now; on a public page the form is checked by whoever made it.
    if (request.is404 || needsOf(request.routeOptions) === 'public' || !isForm(request)) return;
    refuseWithoutCsrf(
      request,
      request.headers[CSRF_HEADER] ?? (request.body as { readonly csrf?: unknown } | null)?.csrf,
    );
  });
  app.addHook('preHandler', async (request) => nameActor(request, access));
}

/** Refuses when the right is missing on any of these sites; those that it cannot see are not told about. */
export function demand({ identity }: FastifyRequest, right: Right, sites: readonly SiteName[]): void {
  if (mayOnAll(identity, right, sites)) return;
  const missing = sites.filter((site) => !may(identity, right, site));
  throw new ProblemError('forbidden', describeMissing(identity, right, missing));
}

/** As `demand`, for a rollout by id or name. */
export async function demandOnRollout(request: FastifyRequest, right: Right, idOrName: string): Promise<void> {
  if (may(request.identity, right, '*')) return;
  demand(request, right, await request.server.sitesOf.rollout(idOrName));
}

/** A browser says from where it was made to ask; programs say nothing, and have no cookie that it would add by itself. */
export function refuseForeignPage({ publicOrigin }: Access, request: FastifyRequest): void {
  const { method, headers, host } = request;
  if (SAFE_METHODS.has(method) || headers.authorization !== undefined) return;
  const from = headers['sec-fetch-site'];
  if (from === 'same-origin' || from === 'none') return;
  const { origin } = headers;
  const isOwn = origin !== undefined && (URL.parse(origin)?.host === host || origin === publicOrigin);
  if (from === undefined && (origin === undefined || isOwn)) return;
  throw new ProblemError(
    'csrf',
    `it was sent by a page of ${origin ?? 'another site'}, not by one of this control plane`,
  );
}

function refuseStranger(request: FastifyRequest, reply: FastifyReply, asking: Exclude<Asking, { kind: 'known' }>) {
  if (request.routeOptions.config.page && request.method === 'GET')
    return reply.redirect(`/sign-in?next=${encodeURIComponent(request.url)}`, 303);
  if (asking.kind === 'nobody') reply.header('www-authenticate', 'Bearer');
  throw new ProblemError('sign-in-needed', asking.kind === 'nobody' ? 'nobody is signed in' : asking.reason);
}

function refuseWithoutCsrf({ csrf, method }: FastifyRequest, given: unknown): void {
  if (SAFE_METHODS.has(method) || csrf === null) return;
  if (typeof given === 'string' && isSame(given, csrf)) return;
  throw new ProblemError(
    'csrf',
    given === undefined ? `${CSRF_HEADER} is missing` : `${CSRF_HEADER} is not that of this session`,
  );
}

async function refuseWithoutRight(
  access: Access,
  request: FastifyRequest,
  needs: Exclude<Needs, 'public'>,
): Promise<void> {
  const { identity } = request;
  if (identity.by.kind === 'device') return refuseDevice(identity.by.address, request, needs);
  const right = needs === 'device' ? 'view' : needs;
  if (may(identity, right, '*')) return;
  const sites = await access.touched(request.routeOptions.url ?? '', request.params);
  if (sites === 'none') {
    const { scope = right === 'view' ? 'somewhere' : 'everywhere' } = request.routeOptions.config;
    const isEnough = scope === 'somewhere';
    if (isEnough && maySomewhere(identity, right)) return;
    throw new ProblemError('forbidden', describeMissing(identity, right, isEnough ? [] : ['*']));
  }
  // As if it were not there, so that names of other factories cannot be tried out.
  if (!sites.some((site) => (site === '*' ? maySomewhere(identity, 'view') : sees(identity, site))))
    throw new ProblemError('not-found', `there is nothing here that ${identity.name} may see`);
  if (right !== 'view') demand(request, right, sites);
}

function refuseDevice(
  own: { readonly site: string; readonly device: string },
  request: FastifyRequest,
  needs: Needs,
): void {
  const { site = own.site, device = own.device } = (request.params ?? {}) as Partial<typeof own>;
  if (needs === 'device' && site === own.site && device === own.device) return;
  const what = 'a device may read manifests, artifacts and its own documents, nothing else';
  throw new ProblemError('forbidden', `${what}; this one is ${own.site}/${own.device}`);
}

/** Which role on which site is missing, and who can give it. */
function describeMissing(identity: Caller, right: Right, sites: readonly SiteName[]): string {
  const role = right === 'kill' ? 'the kill right' : `the role ${LEAST_ROLE[right]}`;
  const seen = sites.filter((site) => site === '*' || sees(identity, site));
  const hidden = sites.length - seen.length;
  const more = hidden === 0 ? [] : [`${hidden} site${hidden === 1 ? '' : 's'} that ${identity.name} may not see`];
  const where = [...seen.map((site) => (site === '*' ? 'every site' : site)), ...more].join(', ') || 'any site';
  const whose = identity.kind === 'token' ? `this token of ${identity.name}` : identity.name;
  return `${whose} lacks ${role} on ${where}; an account with the role admin on every site can give it`;
}

function isForm({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.toLowerCase().startsWith(FORM) === true;
}

/** Who acts is who is signed in, whatever the body says. Where nobody signs in, the body is believed. */
function nameActor(request: FastifyRequest, access: Access): void {
  const { body, identity } = request;
  const isDocument = typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype;
  if (!isDocument || (access.signIn === 'open' && identity.kind === 'nobody')) return;
  (body as { actor?: string }).actor = identity.name;
}
