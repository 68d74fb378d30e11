// What becomes of a rollout when another is started in its place, from every state in which one can be.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstProgress, type Progress } from '../../../control-plane/core/advance.ts';
import { SUPERSEDES, supersede } from '../../../control-plane/core/supersede.ts';
import { rolloutStateSchema } from '../../../shared/protocol/api-rollouts.ts';

const NOW_MS = 1_800_000_000_000;
const SUPERSEDING = { by: 'detector-3-2', actor: 'engineer', reason: 'a better one', nowMs: NOW_MS };
const states = fc.constantFrom(...rolloutStateSchema.options);
const progresses = fc
  .record({
    phase: fc.constantFrom<Progress['phase']>('settling', 'baking', 'look', 'committing'),
    holdKind: fc.constantFrom<Progress['holdKind']>(null, 'person', 'killed', 'guardrail', 'missing-data'),
    stageIndex: fc.nat({ max: 3 }),
    endAs: fc.constantFrom<Progress['endAs']>('rolled_back', 'aborted', 'superseded'),
  })
  .map((given): Progress => ({ ...firstProgress(NOW_MS - 60_000, 'started', 'engineer'), ...given }));

describe('a rollout in whose place another is started', () => {
  it('goes back, ends, goes on going back, or refuses: in every state exactly what the table says', () => {
    fc.assert(
      fc.property(states, progresses, (state, progress) => {
        const found = supersede({ state, progress }, SUPERSEDING);
        const way = SUPERSEDES[state];
        if (way === 'waits' || way === 'over' || progress.phase === 'committing') {
          expect(found.kind).toBe(way === 'waits' ? 'waits' : 'refused');
          return;
        }
        expect(found).toMatchObject({
          kind: 'moves',
          decision: { kind: 'rollback', rule: 'person-supersede' },
          advance: {
            state: way === 'ends' ? 'superseded' : 'rolling_back',
            effect: way === 'ends' ? 'none' : 'restore',
            progress: { endAs: 'superseded', holdKind: null, lookAtMs: null, stageIndex: progress.stageIndex },
          },
        });
      }),
    );
  });

  it('never takes a rollout that ended, nor one that is completing, back to life', () => {
    for (const state of ['rolled_back', 'completed', 'aborted', 'superseded'] as const)
      expect(supersede({ state, progress: firstProgress(NOW_MS, 'x') }, SUPERSEDING)).toEqual({
        kind: 'refused',
        reason: `it has ended: ${state}`,
      });
  });

  it('says who put what in its place, and why', () => {
    const found = supersede({ state: 'running', progress: firstProgress(NOW_MS, 'x') }, SUPERSEDING);
    expect(found).toMatchObject({
      decision: { reason: 'engineer started detector-3-2 in its place: a better one' },
    });
  });
});
