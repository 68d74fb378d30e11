// /v1/drills: start a rehearsal, list, read. Translation only.
import { z } from 'zod';
import {
  drillListSchema,
  drillPathSchema,
  drillSchema,
  drillStartBodySchema,
} from '../../../shared/protocol/api-drills.ts';
import { pageQuerySchema } from '../../../shared/protocol/api-paging.ts';
import type { Drills } from '../../drills/drills.ts';
import { demand } from '../authenticate.ts';
import { pageOf, readCursor, writeCursor } from '../paging.ts';
import { ProblemError } from '../problems.ts';
import { seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['drills'];
const PLACE = z.tuple([z.number(), z.string()]);

export type DrillRouteParts = { readonly drills: Drills; readonly wake: () => void };

export function registerDrillRoutes(app: HttpApp, { drills, wake }: DrillRouteParts): void {
  const found = async (id: string) => {
    const drill = await drills.get(id);
    if (drill === null) throw new ProblemError('not-found', `no drill is called "${id}"`);
    return drill;
  };
  app.post(
    '/v1/drills',
    {
      schema: {
        tags: TAGS,
        summary: 'Rehearse a failed candidate on a simulated fleet, or on chosen devices with a release made to fail',
        body: drillStartBodySchema,
        response: { 201: drillSchema },
      },
      config: { needs: 'operate', scope: 'somewhere', problems: ['conflict'] },
    },
    async (request, reply) => {
      const { body } = request;
      if (body.agents) demand(request, 'operate', [body.agents.site]);
      const started = await drills.start(body);
      if (started.kind === 'invalid') throw new ProblemError('invalid-request', started.reason);
      if (started.kind === 'refused') throw new ProblemError('conflict', `the drill may not start: ${started.reason}`);
      wake();
      return reply.code(201).send(await found(started.id));
    },
  );
  app.get(
    '/v1/drills',
    {
      schema: {
        tags: TAGS,
        summary: 'Every drill, newest first',
        querystring: pageQuerySchema,
        response: { 200: drillListSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const place = readCursor('drills', cursor, PLACE);
      const after = place && { startedAtMs: place[0], id: place[1] };
      const isSeen = await seenRollouts(request);
      const read = await drills.list({ after, limit: limit + 1 });
      const { rows, ...next } = pageOf(read, limit, (last) => writeCursor('drills', [last.startedAtMs, last.id]));
      const seen = rows.filter(({ mode, rolloutId }) => mode === 'simulated' || isSeen(rolloutId ?? ''));
      return { drills: seen, ...next };
    },
  );
  app.get(
    '/v1/drills/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'One drill: what was measured, against what is promised',
        params: drillPathSchema,
        response: { 200: drillSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => found(params.id),
  );
}
