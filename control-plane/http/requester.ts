// Who sends a request, as far as it is known: the name that kept answers belong to.
import type { FastifyRequest } from 'fastify';

/** Null: a stranger, for whom nothing is kept. Where nobody signs in, everybody is the same. */
export function whoOf({ identity }: FastifyRequest): string | null {
  if (identity.kind === 'nobody' && identity.grants.length === 0) return null;
  return `${identity.kind}:${identity.name}`;
}
