// /v1/tokens: API tokens of whoever is signed in. A token makes no tokens: it could outlive itself that way.
import {
  tokenCreateBodySchema,
  tokenCreatedSchema,
  tokenListQuerySchema,
  tokenListSchema,
  tokenPathSchema,
  tokenSchema,
} from '../../../shared/protocol/api-identity.ts';
import { describeGrants, isWithin, may } from '../../../shared/protocol/permissions.ts';
import type { IdentityRoom } from '../../identity/identity.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['identity'];

export function registerTokenRoutes(app: HttpApp, { identity }: { readonly identity: IdentityRoom }): void {
  const { tokens } = identity;
  registerCreate(app, identity);
  app.get(
    '/v1/tokens',
    {
      schema: {
        tags: TAGS,
        summary: "One's own API tokens; with ?all=true everybody's",
        querystring: tokenListQuerySchema,
        response: { 200: tokenListSchema },
      },
      config: { needs: 'view' },
    },
    async ({ identity: caller, query }) => {
      if (query.all !== 'true') return { tokens: tokens.list().filter(({ owner }) => owner === caller.name) };
      if (!may(caller, 'administer', '*'))
        throw new ProblemError('forbidden', `${caller.name} lacks the role admin on every site, which ?all=true needs`);
      return { tokens: [...tokens.list()] };
    },
  );
  app.delete(
    '/v1/tokens/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'Revoke an API token',
        params: tokenPathSchema,
        response: { 200: tokenSchema },
      },
      config: { needs: 'view', problems: ['not-found', 'csrf'] },
    },
    async ({ identity: caller, params }) => {
      const token = tokens.get(params.id);
      if (token === null || !(token.owner === caller.name || may(caller, 'administer', '*')))
        throw new ProblemError('not-found', `${caller.name} has no token "${params.id}"`);
      await tokens.revoke(params.id, caller.name);
      return token;
    },
  );
}

function registerCreate(app: HttpApp, { tokens }: IdentityRoom): void {
  app.post(
    '/v1/tokens',
    {
      schema: {
        tags: TAGS,
        summary: 'Make an API token: it acts in the name of its owner, and is shown this once',
        body: tokenCreateBodySchema,
        response: { 201: tokenCreatedSchema },
      },
      config: { needs: 'view', problems: ['conflict', 'csrf'] },
    },
    async ({ identity: caller, body }, reply) => {
      if (caller.kind !== 'person')
        throw new ProblemError('conflict', 'only who is signed in with a password makes tokens');
      const { grants = caller.grants, mayKill = caller.mayKill, name, days } = body;
      if (!isWithin({ grants, mayKill }, caller)) {
        const own = `${describeGrants(caller.grants)}${caller.mayKill ? ', and the kill right' : ''}`;
        throw new ProblemError('forbidden', `a token may at most what its owner may: ${caller.name} has ${own}`);
      }
      reply.header('cache-control', 'no-store');
      return reply.code(201).send(await tokens.create({ name, owner: caller.name, grants, mayKill, days }));
    },
  );
}
