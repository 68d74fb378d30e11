// /v1/rollouts: plan, start, watch, explain, and the verbs of a person. Translation only, nothing is decided here.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type RolloutActBody,
  type RolloutVerb,
  rolloutActBodySchema,
  rolloutListQuerySchema,
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
import { asItIs } from '../as-it-is.ts';
import { demand, demandOnRollout } from '../authenticate.ts';
import { pageOf, readCursor, writeCursor } from '../paging.ts';
import { ProblemError } from '../problems.ts';
import { seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';
import { readExpected, setVersion, staleProblem } from '../versions.ts';

const TAGS = ['rollouts'];
const PLACE = z.tuple([z.number(), z.string()]);

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
  registerList(app, parts.rollouts);
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
      const view = found(await rollouts.get(started.id), started.id);
      setVersion(reply, view.version);
      return reply.code(201).send(view);
    },
  );
}

function registerReads(app: HttpApp, { rollouts }: RolloutRouteParts): void {
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
    async ({ params }, reply) => {
      const view = found(await rollouts.get(params.id), params.id);
      setVersion(reply, view.version);
      return view;
    },
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

function registerList(app: HttpApp, rollouts: Rollouts): void {
  app.get(
    '/v1/rollouts',
    {
      schema: {
        tags: TAGS,
        summary: 'Every rollout, newest first',
        querystring: rolloutListQuerySchema,
        response: { 200: rolloutListSchema },
      },
      config: { needs: 'view', repeats: true },
      serializerCompiler: asItIs,
    },
    async (request) => {
      const { query } = request;
      const place = readCursor('rollouts', query.cursor, PLACE);
      const after = place && { createdAtMs: place[0], id: place[1] };
      const isSeen = await seenRollouts(request);
      const read = await rollouts.page({ state: query.state ?? null, after, limit: query.limit + 1 });
      const { rows, ...next } = pageOf(read, query.limit, (last) =>
        writeCursor('rollouts', [last.createdAtMs, last.id]),
      );
      return { rollouts: rows.filter(({ id }) => isSeen(id)), ...next };
    },
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
      config: { needs: 'operate', problems: ['not-found', 'conflict', 'precondition-required', 'precondition-failed'] },
    },
    async (request, reply) => {
      const { params, body } = request;
      if (params.verb === 'approve') await demandOnRollout(request, 'approve', params.id);
      const expected = readExpected(request, { isRequired: !isGoingBack(params.verb, body) });
      const acted = await rollouts.act(params.id, params.verb, body, expected);
      if (acted.kind === 'stale') throw staleProblem(`rollout "${params.id}"`, acted);
      if (acted.kind === 'not-found') throw new ProblemError('not-found', `no rollout is called "${params.id}"`);
      if (acted.kind === 'refused') throw new ProblemError('conflict', `${params.verb} was refused: ${acted.reason}`);
      wake?.();
      const view = found(await rollouts.get(params.id), params.id);
      setVersion(reply, view.version);
      return view;
    },
  );
}

/** Stopping and going back are never refused because somebody was faster. */
function isGoingBack(verb: RolloutVerb, { keep }: Pick<RolloutActBody, 'keep'>): boolean {
  return verb === 'hold' || verb === 'rollback' || (verb === 'abort' && keep !== true);
}

/** Starting it needs the right on every site that its file would touch; a file with mistakes is refused by who starts it. */
export async function demandOnItsSites(request: FastifyRequest, rollouts: Rollouts, file: string): Promise<void> {
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
