// /v1/drills: start a rehearsal, list, read. Translation only.
import {
  drillListSchema,
  drillPathSchema,
  drillSchema,
  drillStartBodySchema,
} from '../../../shared/protocol/api-drills.ts';
import type { Drills } from '../../drills/drills.ts';
import { demand } from '../authenticate.ts';
import { ProblemError } from '../problems.ts';
import { seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['drills'];

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
      schema: { tags: TAGS, summary: 'Every drill, newest first', response: { 200: drillListSchema } },
      config: { needs: 'view' },
    },
    async (request) => {
      const isSeen = await seenRollouts(request);
      const drilled = await drills.list();
      return { drills: drilled.filter(({ mode, rolloutId }) => mode === 'simulated' || isSeen(rolloutId ?? '')) };
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
