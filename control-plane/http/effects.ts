// What a request does beyond answering, by its route: the one place that idempotency, dry runs and preconditions ask.
import type { FastifyRequest } from 'fastify';

/** They work something out and write nothing. */
const LOOKS_ONLY: ReadonlySet<string> = new Set([
  'POST /v1/rollouts/plan',
  'POST /v1/releases/check',
  'POST /v1/releases/lookup',
  'POST /v1/guardrails/test',
]);

/** Idempotent by nature, and never to be kept waiting by a database. */
const BY_NATURE: ReadonlySet<string> = new Set(['POST /v1/kills', 'PUT /v1/artifacts/:sha256']);

/** With `?dryRun=true`; the route itself works out what would happen, in an answer of its own shape. */
const TRIED_BY_ROUTE: ReadonlySet<string> = new Set(['PUT /v1/rollouts/:id']);

/** With `?dryRun=true`, worked out beside the route (dry-runs.ts). */
const TRIED: ReadonlySet<string> = new Set([
  'POST /v1/kills',
  'POST /v1/kills/:id/rearm',
  'POST /v1/rollouts',
  'POST /v1/rollouts/:id/:verb',
  'POST /v1/releases/:digest/state',
  'POST /v1/devices/:site/:device/lift',
  'POST /v1/devices/:site/:device/:verb',
]);

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Method and address as it is registered. */
export function routeOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? ''}`;
}

/** Whether it can change something. */
export function isChange(method: string, route: string): boolean {
  return !READS.has(method) && !LOOKS_ONLY.has(route);
}

export function isIdempotentByNature(route: string): boolean {
  return BY_NATURE.has(route);
}

/** `?dryRun=true`: say what would happen, and write nothing. */
export function isDryRun(request: FastifyRequest): boolean {
  const { dryRun } = (request.query ?? {}) as { readonly dryRun?: unknown };
  return dryRun !== undefined && dryRun !== 'false' && dryRun !== false;
}

export function isTriedByRoute(route: string): boolean {
  return TRIED_BY_ROUTE.has(route);
}

export function canDryRun(route: string): boolean {
  return TRIED.has(route) || TRIED_BY_ROUTE.has(route);
}
