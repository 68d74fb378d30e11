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
import { isDryRun } from '../effects.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { readExpected, staleProblem } from '../versions.ts';
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
      config: { needs: 'operate', problems: ['not-found', 'conflict', 'precondition-required', 'precondition-failed'] },
    },
    async (request) => {
      const { params, body } = request;
      const isTried = body.dryRun === true || isDryRun(request);
      const expected = readExpected(request, { isRequired: !isTried });
      const answer = answerOf(await rollouts.edit(params.id, { ...body, dryRun: isTried }, expected), params.id);
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
      config: { needs: 'operate', problems: ['not-found', 'conflict', 'precondition-required', 'precondition-failed'] },
    },
    async (request) => {
      const { id, number, verb } = request.params;
      if (verb === 'approve') await demandOnRollout(request, 'approve', id);
      // Withdrawing is the safe direction: nothing comes into force by it.
      const expected = readExpected(request, { isRequired: verb === 'approve' });
      const answer = answerOf(
        await rollouts.settle(id, { ...request.body, number, verb }, expected),
        `${id}" with a revision "${number}`,
      );
      wake?.();
      return answer;
    },
  );
}

function answerOf(edited: Edited, what: string) {
  if (edited.kind === 'done') return edited.edited;
  if (edited.kind === 'stale') throw staleProblem(`rollout "${what}"`, edited);
  if (edited.kind === 'invalid') throw invalidFile(edited.problems);
  if (edited.kind === 'not-found') throw new ProblemError('not-found', `no rollout is called "${what}"`);
  const errors = edited.changes.map(({ path, sentence }) => ({ path, message: sentence }));
  throw new ProblemError('conflict', `the change was refused: ${edited.reason}`, errors);
}
