// `?dryRun=true` on what changes something: says what would happen, and writes nothing. Routes know nothing of it; where nobody
// can say what would happen, it is refused rather than done.
import type { FastifyRequest } from 'fastify';
import { isChange, isDryRun, routeOf } from './effects.ts';
import type { HttpApp } from './http-app.ts';
import { ProblemError } from './problems.ts';

/** What would happen, worked out without writing. */
export type Foresees = (request: FastifyRequest) => Promise<unknown>;

/** Method and address as registered. Those that the route itself can try are here too: their answer has its own shape. */
const TRIED_BY_ROUTE: ReadonlySet<string> = new Set(['PUT /v1/rollouts/:id']);
const TRIED: ReadonlySet<string> = new Set([...TRIED_BY_ROUTE]);

export function canDryRun(route: string): boolean {
  return TRIED.has(route);
}

/** Before any route is registered. */
export function installDryRuns(app: HttpApp, foreseen: Readonly<Record<string, Foresees>>): void {
  app.addHook('preHandler', async (request, reply) => {
    const route = routeOf(request);
    if (request.is404 || !isChange(request.method, route) || !isDryRun(request)) return undefined;
    if (TRIED_BY_ROUTE.has(route)) return undefined;
    const foresees = foreseen[route];
    if (foresees === undefined) throw new ProblemError('no-dry-run', `${route} has no dry run`);
    const answer = await foresees(request);
    reply.serializer(String);
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(answer));
  });
}
