// `belay rollout promote --to STAGE | --full`: one stage after the other, each by the control plane's own rules.
import { setTimeout as wait } from 'node:timers/promises';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type RolloutActBody, type RolloutView, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import type { Session } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { fetchRollout } from './rollout-watch.ts';
import { stageIndexOf } from './stage-name.ts';

const POLL_MS = 500;
/** Devices that are told of a stage report it by then, or something is in their way. */
const SETTLING_MS = 300_000;

export type Further = {
  readonly id: string;
  readonly body: RolloutActBody;
  /** Name or percent of the stage; null: to the end. */
  readonly to: string | null;
};

/** Stops at the first stage that the control plane does not let go, with its reason. */
export async function promoteFurther(session: Session, { id, body, to }: Further): Promise<void> {
  const { api, output } = session;
  let view = await fetchRollout(session, id);
  const wanted = to === null ? view.stages.length : stageIndexOf(view, to);
  let deadlineMs = performance.now() + SETTLING_MS;
  while (view.stageIndex < wanted && !isFinishing(view)) {
    try {
      const before = view.stageIndex;
      view = await api.ask(endpoint('POST /v1/rollouts/:id/:verb', { id, verb: 'promote' }), rolloutViewSchema, body);
      if (view.stageIndex > before) deadlineMs = performance.now() + SETTLING_MS;
      if (!output.json)
        output.note(`stage ${view.stage} (${view.stageIndex + 1}/${view.stages.length}): ${view.status}`);
    } catch (error) {
      const isRefused = error instanceof CommandError && error.exitCode === EXIT.conflict;
      view = await fetchRollout(session, id);
      if (!isRefused || view.phase !== 'settling' || performance.now() > deadlineMs) throw error;
    }
    await wait(POLL_MS);
  }
  output.show(view, () => renderRollout(view, output));
}

function isFinishing({ phase, state }: RolloutView): boolean {
  return phase === 'committing' || state === 'completed';
}
