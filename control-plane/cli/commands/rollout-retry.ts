// `belay rollout retry`: the same file again as a new rollout that cites the one before. A rollback retired that one for good.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { pageOf } from '../page.ts';
import { addAction, argument } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { fetchRollout, verdictOf, watchRollout } from './rollout-watch.ts';

type Options = ChangeOptions & { reason: string; override?: boolean; watch?: boolean };

export function addRetry(rollout: Command): void {
  const command = rollout
    .command('retry')
    .argument('<id>', 'of a rollout that is over')
    .description('the same file again, as a new rollout that cites this one')
    .option('--override', 'also during the cool-down after a rollback')
    .option('--watch', 'stay and watch it');
  addAction<Options>(addChangeOptions(command, 'what has changed, for the audit'), async (session, args, options) => {
    const { api, output, actor } = session;
    const before = await fetchRollout(session, argument(args, 0));
    if (before.endedAtMs === null && verdictOf(before) !== EXIT.ok)
      throw new CommandError(
        EXIT.conflict,
        `${before.id} is not over: ${before.status}.\nNext: belay rollout resume ${before.id} --reason "…", or roll it back first`,
      );
    const reason = `retry of ${before.id}: ${options.reason}`;
    const body = { file: before.fileText, actor, reason, ...(options.override ? { override: true } : {}) };
    const change = {
      what: `start ${before.name} once more, with ${before.candidate.release}`,
      reach: async () => [`${before.id} ended: ${before.status}`, `${before.devices.length} devices took part`],
      request: { ...endpoint('POST /v1/rollouts'), body },
      asking: 'always',
    } as const;
    if (!(await isWanted(output, options, change))) return undefined;
    const view = await api.ask(endpoint('POST /v1/rollouts'), rolloutViewSchema, body);
    if (options.watch) return watchRollout(session, view.id);
    output.show(
      view,
      () => `${renderRollout(view, output)}\n\nPage      ${pageOf(api.url, { kind: 'rollout', id: view.id })}`,
    );
    return undefined;
  });
}
