// `?dryRun=true` on what changes something: says what would happen, and writes nothing. Routes know nothing of it; where nobody
// can say what would happen, it is refused rather than done.
import type { FastifyRequest } from 'fastify';
import type { DryRun } from '../../shared/protocol/api-dry-run.ts';
import type { HttpApp } from './app.ts';
import { isChange, isDryRun, isTriedByRoute, routeOf } from './effects.ts';
import { ProblemError } from './problems.ts';
import { onSeenSites } from './seen.ts';

/** What would happen, worked out without writing. */
export type Foresees = (request: FastifyRequest) => Promise<DryRun>;

/** Before any route is registered. */
export function installDryRuns(app: HttpApp, foreseen: Readonly<Record<string, Foresees>>): void {
  app.addHook('preHandler', async (request, reply) => {
    const route = routeOf(request);
    if (request.is404 || !isChange(request.method, route) || !isDryRun(request)) return undefined;
    if (isTriedByRoute(route)) return undefined;
    const foresees = foreseen[route];
    if (foresees === undefined) throw new ProblemError('no-dry-run', `${route} has no dry run`);
    const answer = await foresees(request);
    const seen = { ...answer, sites: onSeenSites(request, answer.sites) };
    reply.serializer(String);
    return reply.header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(seen));
  });
}
