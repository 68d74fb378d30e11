// /v1/rollouts/:id as a file that may be edited while it runs, and its proposals. Translation only, nothing is decided here.
import {
  revisionActBodySchema,
  revisionVerbPathSchema,
  rolloutEditBodySchema,
  rolloutEditedSchema,
} from '../../../shared/protocol/api-revisions.ts';
import { rolloutPathSchema } from '../../../shared/protocol/api-rollouts.ts';
import type { Edited } from '../../rollouts/revise.ts';
import { demandOnRollout } from '../authenticate.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { invalidFile, type RolloutRouteParts } from './rollouts.ts';

const TAGS = ['rollouts'];

export function registerRevisionRoutes(app: HttpApp, { rollouts, wake }: RolloutRouteParts): void {
  app.put(
    '/v1/rollouts/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'Edit a running rollout: what only tightens is in force at once, what loosens waits for approval',
        params: rolloutPathSchema,
        body: rolloutEditBodySchema,
        response: { 200: rolloutEditedSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict'] },
    },
    async ({ params, body }) => {
      const answer = answerOf(await rollouts.edit(params.id, body), params.id);
      wake?.();
      return answer;
    },
  );
  app.post(
    '/v1/rollouts/:id/revisions/:number/:verb',
    {
      schema: {
        tags: TAGS,
        summary: 'A person approves or withdraws a proposed revision',
        params: revisionVerbPathSchema,
        body: revisionActBodySchema,
        response: { 200: rolloutEditedSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict'] },
    },
    async (request) => {
      const {
        params: { id, number, verb },
        body,
      } = request;
      if (verb === 'approve') await demandOnRollout(request, 'approve', id);
      const answer = answerOf(
        await rollouts.settle(id, { ...body, number, verb }),
        `${id}" with a revision "${number}`,
      );
      wake?.();
      return answer;
    },
  );
}

function answerOf(edited: Edited, what: string) {
  if (edited.kind === 'done') return edited.edited;
  if (edited.kind === 'invalid') throw invalidFile(edited.problems);
  if (edited.kind === 'not-found') throw new ProblemError('not-found', `no rollout is called "${what}"`);
  const errors = edited.changes.map(({ path, sentence }) => ({ path, message: sentence }));
  throw new ProblemError('conflict', `the change was refused: ${edited.reason}`, errors);
}
