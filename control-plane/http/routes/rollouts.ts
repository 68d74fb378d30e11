// /v1/rollouts: plan, start, watch, explain, and the verbs of a person. Translation only, nothing is decided here.
import type { FastifyRequest } from 'fastify';
import {
  rolloutActBodySchema,
  rolloutListSchema,
  rolloutPathSchema,
  rolloutPlanBodySchema,
  rolloutPlanSchema,
  rolloutStartBodySchema,
  rolloutVerbPathSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { may } from '../../../shared/protocol/permissions.ts';
import type { Plan } from '../../../shared/rollout/plan.ts';
import type { FileProblem } from '../../../shared/rollout/read-rollout-file.ts';
import type { Foresight } from '../../foresight/foresight.ts';
import type { Rollouts } from '../../rollouts/rollouts.ts';
import { demand, demandOnRollout } from '../authenticate.ts';
import { ProblemError } from '../problems.ts';
import { seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['rollouts'];

export type RolloutRouteParts = {
  readonly rollouts: Rollouts;
  /** Adds the outlook to a plan; without it a plan has none. */
  readonly foresight?: Pick<Foresight, 'plan'>;
  /** Called after a change, so that the loop looks at once. */
  readonly wake?: () => void;
};

export function registerRolloutRoutes(app: HttpApp, parts: RolloutRouteParts): void {
  registerStart(app, parts);
  registerReads(app, parts);
  registerVerbs(app, parts);
}

function registerStart(app: HttpApp, { rollouts, foresight, wake }: RolloutRouteParts): void {
  app.post(
    '/v1/rollouts/plan',
    {
      schema: {
        tags: TAGS,
        summary: 'What a rollout file would do; its mistakes with their lines',
        body: rolloutPlanBodySchema,
        response: { 200: rolloutPlanSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => {
      const { body } = request;
      const answer = foresight ? await foresight.plan(body.file, body) : await rollouts.plan(body.file);
      if (answer.plan) demand(request, 'view', sitesOf(answer.plan));
      return answer;
    },
  );
  app.post(
    '/v1/rollouts',
    {
      schema: {
        tags: TAGS,
        summary: 'Start a rollout',
        body: rolloutStartBodySchema,
        response: { 201: rolloutViewSchema },
      },
      config: { needs: 'operate', scope: 'somewhere', problems: ['conflict'] },
    },
    async (request, reply) => {
      const { body } = request;
      await demandOnItsSites(request, rollouts, body.file);
      const started = await rollouts.start(body);
      if (started.kind === 'invalid') throw invalidFile(started.problems);
      if (started.kind === 'refused')
        throw new ProblemError(
          'conflict',
          `the rollout may not start: ${started.reasons.join('; ')}`,
          started.reasons.map((message) => ({ path: 'plan', message })),
        );
      wake?.();
      return reply.code(201).send(found(await rollouts.get(started.id), started.id));
    },
  );
}

function registerReads(app: HttpApp, { rollouts }: RolloutRouteParts): void {
  app.get(
    '/v1/rollouts',
    {
      schema: { tags: TAGS, summary: 'Every rollout, newest first', response: { 200: rolloutListSchema } },
      config: { needs: 'view' },
    },
    async (request) => {
      const isSeen = await seenRollouts(request);
      return { rollouts: (await rollouts.list()).filter(({ id }) => isSeen(id)) };
    },
  );
  app.get(
    '/v1/rollouts/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'One rollout on one screen',
        params: rolloutPathSchema,
        response: { 200: rolloutViewSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => found(await rollouts.get(params.id), params.id),
  );
  app.get(
    '/v1/rollouts/:id/why',
    {
      schema: {
        tags: TAGS,
        summary: 'Why it is where it is, and what can be done',
        params: rolloutPathSchema,
        response: { 200: rolloutWhySchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => found(await rollouts.why(params.id), params.id),
  );
}

function registerVerbs(app: HttpApp, { rollouts, wake }: RolloutRouteParts): void {
  app.post(
    '/v1/rollouts/:id/:verb',
    {
      schema: {
        tags: TAGS,
        summary: 'A person holds, resumes, approves, promotes, rolls back or ends it',
        params: rolloutVerbPathSchema,
        body: rolloutActBodySchema,
        response: { 200: rolloutViewSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict'] },
    },
    async (request) => {
      const { params, body } = request;
      if (params.verb === 'approve') await demandOnRollout(request, 'approve', params.id);
      const acted = await rollouts.act(params.id, params.verb, body);
      if (acted.kind === 'not-found') throw new ProblemError('not-found', `no rollout is called "${params.id}"`);
      if (acted.kind === 'refused') throw new ProblemError('conflict', `${params.verb} was refused: ${acted.reason}`);
      wake?.();
      return found(await rollouts.get(params.id), params.id);
    },
  );
}

/** Starting it needs the right on every site that its file would touch; a file with mistakes is refused by who starts it. */
async function demandOnItsSites(request: FastifyRequest, rollouts: Rollouts, file: string): Promise<void> {
  if (may(request.identity, 'operate', '*')) return;
  const { plan } = await rollouts.plan(file);
  if (plan) demand(request, 'operate', sitesOf(plan));
}

function sitesOf({ devices }: Plan): readonly string[] {
  return [...new Set(devices.map(({ site }) => site))];
}

export function invalidFile(problems: readonly FileProblem[]): ProblemError {
  const errors = problems.map((problem) => ({
    path: problem.path,
    message: `${problem.message} (line ${problem.line}, column ${problem.column})`,
  }));
  return new ProblemError(
    'invalid-request',
    `the rollout file has ${problems.length} mistake${problems.length === 1 ? '' : 's'}`,
    errors,
  );
}

function found<T>(value: T | null, id: string): T {
  if (value === null) throw new ProblemError('not-found', `no rollout is called "${id}"`);
  return value;
}
