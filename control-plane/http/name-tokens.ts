// Whoever acts with an API token acts in the name of its owner; what goes on record says which token it was.
import type { Audit } from '../audit/audit.ts';
import type { HttpApp } from './app.ts';

/** A kill goes on record after it was sent and answered; what a loop does later that was woken here is nobody's act. */
const NAMED_MS = 60_000;

/** Before any route is registered. */
export function nameTokens(app: HttpApp, audit: Pick<Audit, 'within'>): void {
  // With a callback: whatever comes after it, the route too, runs inside.
  app.addHook('preHandler', (request, _reply, done) => {
    const { by, name: actor } = request.identity;
    if (by.kind !== 'token') return done();
    const untilMs = performance.now() + NAMED_MS;
    return audit.within({ actor, token: by.id, name: by.name, isOver: () => performance.now() > untilMs }, done);
  });
}
