// What the pictures of a rollout are drawn from, as documents. Translation only.
import { rolloutArmsSchema } from '../../../shared/protocol/api-rollout-arms.ts';
import {
  rolloutCourseSchema,
  rolloutEvidenceQuerySchema,
  rolloutEvidenceSchema,
} from '../../../shared/protocol/api-rollout-charts.ts';
import { rolloutPathSchema } from '../../../shared/protocol/api-rollouts.ts';
import type { Rollouts } from '../../rollouts/rollouts.ts';
import type { Needs } from '../needs.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['rollouts'];
const NEEDS: Needs = 'view';

export function registerRolloutChartRoutes(
  app: HttpApp,
  { rollouts }: { readonly rollouts: Pick<Rollouts, 'arms' | 'course' | 'evidence'> },
): void {
  app.get(
    '/v1/rollouts/:id/course',
    {
      schema: {
        tags: TAGS,
        summary:
          'How its verdicts went: estimate, plausible range and limit of each guardrail over time, with the stages',
        params: rolloutPathSchema,
        response: { 200: rolloutCourseSchema },
      },
      config: { problems: ['not-found'], needs: NEEDS },
    },
    async ({ params }) => found(await rollouts.course(params.id), params.id),
  );
  app.get(
    '/v1/rollouts/:id/evidence',
    {
      schema: {
        tags: TAGS,
        summary:
          'What its newest verdicts rest on: by site and hardware, by class of a shadow, and by device with ?guardrail=ID',
        params: rolloutPathSchema,
        querystring: rolloutEvidenceQuerySchema,
        response: { 200: rolloutEvidenceSchema },
      },
      config: { problems: ['not-found'], needs: NEEDS },
    },
    async ({ params, query }) => found(await rollouts.evidence(params.id, query.guardrail ?? null), params.id),
  );
  app.get(
    '/v1/rollouts/:id/arms',
    {
      schema: {
        tags: TAGS,
        summary:
          'What candidate and baseline do by themselves: values of each guardrail, latency as a curve; a sample of devices',
        params: rolloutPathSchema,
        response: { 200: rolloutArmsSchema },
      },
      config: { problems: ['not-found'], needs: NEEDS },
    },
    async ({ params }) => found(await rollouts.arms(params.id), params.id),
  );
}

function found<T>(value: T | null, id: string): T {
  if (value === null) throw new ProblemError('not-found', `no rollout is called "${id}"`);
  return value;
}
