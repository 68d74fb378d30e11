// Who sends a request, as far as it is known: the name that kept answers belong to.
import type { FastifyRequest } from 'fastify';

/** Where nobody signs in, everybody is the same. */
const NOBODY = 'nobody';

export function whoOf(request: FastifyRequest): string {
  const { identity } = request as { readonly identity?: { readonly kind: string; readonly name: string } };
  return identity === undefined ? NOBODY : `${identity.kind}:${identity.name}`;
}
