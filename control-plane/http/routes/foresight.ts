// /v1/guardrails/test and /v1/rehearsals: looking ahead with windows that were recorded. Translation only.
import {
  guardrailTestBodySchema,
  guardrailTestSchema,
  rehearsalBodySchema,
  rehearsalPathSchema,
  rehearsalSchema,
} from '../../../shared/protocol/api-foresight.ts';
import type { Foresight, Refused } from '../../foresight/foresight.ts';
import { StudyError } from '../../foresight/study.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { invalidFile } from './rollouts.ts';

const TAGS = ['foresight'];

export function registerForesightRoutes(app: HttpApp, { foresight }: { readonly foresight: Foresight }): void {
  app.post(
    '/v1/guardrails/test',
    {
      schema: {
        tags: TAGS,
        summary: 'What the guardrails of a rollout file would have said about recorded windows',
        body: guardrailTestBodySchema,
        response: { 200: guardrailTestSchema },
      },
      config: { needs: 'view', scope: 'everywhere', problems: ['conflict', 'unavailable'] },
    },
    async ({ body }) => {
      const tested = await foresight.test(body).catch(unavailable);
      if (tested.kind !== 'tested') throw refusal(tested);
      return tested.test;
    },
  );
  app.post(
    '/v1/rehearsals',
    {
      schema: {
        tags: TAGS,
        summary: 'Rehearse a rollout whose candidate is the baseline; how often it would be stopped for nothing',
        body: rehearsalBodySchema,
        response: { 202: rehearsalSchema },
      },
      config: { needs: 'operate', problems: ['conflict'] },
    },
    async ({ body }, reply) => {
      const begun = await foresight.rehearse(body);
      if (begun.kind !== 'begun') throw refusal(begun);
      return reply.code(202).send(begun.rehearsal);
    },
  );
  app.get(
    '/v1/rehearsals/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'How far a rehearsal is, and what it found; kept until the control plane ends',
        params: rehearsalPathSchema,
        response: { 200: rehearsalSchema },
      },
      config: { needs: 'view', scope: 'everywhere', problems: ['not-found'] },
    },
    async ({ params }) => known(foresight.rehearsal(params.id), params.id),
  );
  app.post(
    '/v1/rehearsals/:id/stop',
    {
      schema: {
        tags: TAGS,
        summary: 'Stop a rehearsal',
        params: rehearsalPathSchema,
        response: { 200: rehearsalSchema },
      },
      config: { needs: 'operate', problems: ['not-found'] },
    },
    async ({ params }) => known(await foresight.stop(params.id), params.id),
  );
}

function unavailable(error: unknown): never {
  throw error instanceof StudyError ? new ProblemError('unavailable', error.message) : error;
}

function refusal(refused: Refused): ProblemError {
  return refused.kind === 'invalid' ? invalidFile(refused.problems) : new ProblemError('conflict', refused.reason);
}

function known<T>(rehearsal: T | null, id: string): T {
  if (rehearsal === null) throw new ProblemError('not-found', `no rehearsal is called "${id}"`);
  return rehearsal;
}
