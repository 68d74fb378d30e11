// A stage as it is named on the command line: by its name, or by its percentage.
import type { RolloutView } from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

/** `half`, `50` and `50%` → its index. Throws CommandError with the stages that there are. */
export function stageIndexOf({ id, stages }: Pick<RolloutView, 'id' | 'stages'>, text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%?$/.exec(text)?.[1];
  const byName = stages.findIndex(({ name }) => name === text);
  const byPercent =
    percent === undefined
      ? -1
      : stages.findIndex((stage) => stage.mode === 'serve' && stage.percent === Number(percent));
  const index = byName >= 0 ? byName : byPercent;
  if (index >= 0) return index;
  const known = stages.map(({ name, percent: share }) => (share === null ? name : `${name} (${share}%)`)).join(', ');
  throw new CommandError(EXIT.usage, `${id} has no stage "${text}"; it has ${known}`);
}
