// /v1/accounts: who may sign in, and what that allows where. For who administers every site. Translation only.
import {
  accountChangeBodySchema,
  accountCreateBodySchema,
  accountListSchema,
  accountPathSchema,
  accountSchema,
} from '../../../shared/protocol/api-identity.ts';
import { shownAccount } from '../../identity/account-book.ts';
import type { IdentityRoom } from '../../identity/identity.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['identity'];
const NO_REASON = 'no reason was given';

export function registerAccountRoutes(app: HttpApp, { identity }: { readonly identity: IdentityRoom }): void {
  registerReads(app, identity);
  app.post(
    '/v1/accounts',
    {
      schema: {
        tags: TAGS,
        summary: 'Make an account',
        body: accountCreateBodySchema,
        response: { 201: accountSchema },
      },
      config: { needs: 'administer', problems: ['conflict', 'csrf'] },
    },
    async (request, reply) => {
      const { name, password, grants, mayKill, reason = NO_REASON } = request.body;
      const passwordHash = await identity.hash(password);
      const made = await identity.accounts.create(
        { name, passwordHash, grants, mayKill, reason },
        request.identity.name,
      );
      if (made === null) throw new ProblemError('conflict', `the account "${name}" is there already`);
      return reply.code(201).send(shownAccount(made));
    },
  );
  app.patch(
    '/v1/accounts/:name',
    {
      schema: {
        tags: TAGS,
        summary: 'Change roles, password or the kill right of an account, or disable it; accounts are never deleted',
        params: accountPathSchema,
        body: accountChangeBodySchema,
        response: { 200: accountSchema },
      },
      config: { needs: 'administer', problems: ['not-found', 'conflict', 'csrf'] },
    },
    async (request) => {
      const { name } = request.params;
      const { password, grants, mayKill, disabled, reason = NO_REASON } = request.body;
      const passwordHash = password === undefined ? undefined : await identity.hash(password);
      const change = { passwordHash, grants, mayKill, disabled, reason };
      const changed = await identity.accounts.change(name, change, request.identity.name);
      if (changed.kind === 'unknown') throw unknown(name);
      if (changed.kind === 'last-admin')
        throw new ProblemError('conflict', `"${name}" is the last account with the role admin on every site`);
      if (passwordHash !== undefined || disabled === true) await identity.sessions.endAll(name);
      return shownAccount(changed.account);
    },
  );
}

function registerReads(app: HttpApp, { accounts }: IdentityRoom): void {
  app.get(
    '/v1/accounts',
    {
      schema: { tags: TAGS, summary: 'Every account', response: { 200: accountListSchema } },
      config: { needs: 'administer' },
    },
    async () => ({ accounts: accounts.list().map(shownAccount) }),
  );
  app.get(
    '/v1/accounts/:name',
    {
      schema: { tags: TAGS, summary: 'One account', params: accountPathSchema, response: { 200: accountSchema } },
      config: { needs: 'administer', problems: ['not-found'] },
    },
    async ({ params }) => {
      const account = accounts.get(params.name);
      if (account === null) throw unknown(params.name);
      return shownAccount(account);
    },
  );
}

function unknown(name: string): ProblemError {
  return new ProblemError('not-found', `no account is called "${name}"`);
}
