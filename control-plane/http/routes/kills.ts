// Routes of the kill switch. No limits on rate, no preconditions: going back must always be the easy way.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type KillScopeInput,
  killBodySchema,
  killListSchema,
  killSchema,
  rearmBodySchema,
} from '../../../shared/protocol/api-kills.ts';
import { pageQuerySchema } from '../../../shared/protocol/api-paging.ts';
import type { KillScope } from '../../../shared/protocol/documents.ts';
import { may } from '../../../shared/protocol/permissions.ts';
import type { KillSwitch } from '../../kill-switch/kill-switch.ts';
import type { ScopeLookup } from '../../kill-switch/resolve-scope.ts';
import { demand } from '../authenticate.ts';
import { pageOf, readCursor, writeCursor } from '../paging.ts';
import { ProblemError } from '../problems.ts';
import { seenKills } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['kills'];
const pathSchema = z.looseObject({ id: z.string().min(1).max(64) });

export type KillRouteParts = {
  readonly killSwitch: KillSwitch;
  readonly lookUp: ScopeLookup;
  /** Called after a kill or its end, so that rollouts look at once. */
  readonly onChange: () => void;
};

export function registerKillRoutes(app: HttpApp, parts: KillRouteParts): void {
  registerRaise(app, parts);
  registerReads(app, parts);
  registerRearm(app, parts);
}

function registerRaise(app: HttpApp, { killSwitch, lookUp, onChange }: KillRouteParts): void {
  app.post(
    '/v1/kills',
    {
      schema: {
        tags: TAGS,
        summary: 'Take everything on trial in a scope off, now',
        body: killBodySchema,
        response: { 200: killSchema, 201: killSchema },
      },
      config: {
        needs: 'kill',
        scope: 'somewhere',
        problems: ['not-found', 'ambiguous-reference', 'too-many-kills', 'kill-not-sent'],
      },
    },
    async (request, reply) => {
      const { reason, actor } = request.body;
      const scope = await resolve(lookUp, request.body.scope);
      await demandKill(request, scope);
      const raised = await killSwitch.raise({ scope, reason, actor });
      if (raised.kind === 'too-many') {
        throw new ProblemError('too-many-kills', `${raised.active} kills are in force there already`);
      }
      onChange();
      if (!raised.published) {
        throw new ProblemError('kill-not-sent', `kill ${raised.result.id} is kept, but could not be published yet`);
      }
      return reply.code(raised.created ? 201 : 200).send(raised.result);
    },
  );
}

function registerReads(app: HttpApp, { killSwitch }: KillRouteParts): void {
  app.get(
    '/v1/kills',
    {
      schema: {
        tags: TAGS,
        summary: 'Every kill, newest first',
        querystring: pageQuerySchema,
        response: { 200: killListSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      // Epochs only grow.
      const [before] = readCursor('kills', cursor, z.tuple([z.number()])) ?? [Number.POSITIVE_INFINITY];
      const isSeen = await seenKills(request);
      const older = killSwitch.list().filter(({ epoch, scope }) => epoch < before && isSeen(scope));
      const { rows, ...next } = pageOf(older, limit, ({ epoch }) => writeCursor('kills', [epoch]));
      return { kills: [...rows], ...next };
    },
  );
  app.get(
    '/v1/kills/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'One kill with its measured effect',
        params: pathSchema,
        response: { 200: killSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async (request) => {
      const kill = killSwitch.get(request.params.id);
      if (!kill) throw new ProblemError('not-found', `no kill is called "${request.params.id}"`);
      return kill;
    },
  );
}

function registerRearm(app: HttpApp, { killSwitch, onChange }: KillRouteParts): void {
  app.post(
    '/v1/kills/:id/rearm',
    {
      schema: {
        tags: TAGS,
        summary: 'End a kill',
        params: pathSchema,
        body: rearmBodySchema,
        response: { 200: killSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict', 'unavailable'] },
    },
    async (request) => {
      const rearmed = await killSwitch.rearm(request.params.id, request.body);
      if (rearmed.kind === 'unknown') throw new ProblemError('not-found', `no kill is called "${request.params.id}"`);
      if (rearmed.kind === 'already') {
        throw new ProblemError('conflict', `kill ${request.params.id} was re-armed by ${rearmed.summary.clearedBy}`);
      }
      if (rearmed.kind === 'not-recorded') {
        throw new ProblemError(
          'unavailable',
          `the kill stays in force: re-arming could not be recorded (${rearmed.reason})`,
        );
      }
      onChange();
      return rearmed.result;
    },
  );
}

/** Every site that it reaches; who may not see all of them can stop one's own. Asks the database for a rollout alone. */
export async function demandKill(request: FastifyRequest, scope: KillScope): Promise<void> {
  if (may(request.identity, 'kill', '*')) return;
  demand(request, 'kill', await request.server.sitesOf.kill(scope));
}

export async function resolve(lookUp: ScopeLookup, input: KillScopeInput): Promise<KillScope> {
  const resolved = await lookUp(input);
  if (resolved.kind === 'found') return resolved.scope;
  throw new ProblemError(resolved.kind === 'ambiguous' ? 'ambiguous-reference' : 'not-found', resolved.reason);
}
