// Whoever acts with an API token acts in the name of its owner; what goes on record says which token it was.
import type { Audit } from '../audit/audit.ts';
import type { HttpApp } from './app.ts';

/** Before any route is registered. */
export function nameTokens(app: HttpApp, audit: Pick<Audit, 'within'>): void {
  // With a callback: whatever comes after it, the route too, runs inside.
  app.addHook('preHandler', (request, reply, done) => {
    const { by, name: actor } = request.identity;
    if (by.kind !== 'token') return done();
    return audit.within({ actor, token: by.id, name: by.name, isOver: () => reply.sent }, done);
  });
}
