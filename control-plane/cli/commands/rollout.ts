// `belay rollout …`: plan, start, list, get, why, wait, and the verbs of a person.
import type { Command } from 'commander';
import {
  ROLLOUT_VERBS,
  type RolloutSummary,
  type RolloutVerb,
  rolloutListSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument, readSeconds } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { formatAge, renderTable, shortRelease } from '../render/table.ts';
import { addPlan } from './plan.ts';
import { addRehearse } from './rehearse.ts';
import { addRolloutArchive, addRolloutReport } from './report.ts';
import { addRolloutEdit, readRevision, settleRevision } from './rollout-edit.ts';
import { addRolloutFileCommands } from './rollout-file.ts';
import { addPresetOptions, PRESETS_HELP, type PresetOptions, readSource, SOURCE } from './rollout-source.ts';
import { fetchRollout, rolloutPath, waitForRollout, watchRollout } from './rollout-watch.ts';

export function addRolloutCommands(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('rollouts: moving devices from a baseline to a candidate, stage by stage');
  addRolloutFileCommands(rollout);
  addPlan(rollout);
  addRehearse(rollout);
  addStart(rollout);
  addList(rollout);
  addGet(rollout);
  addWhy(rollout);
  addWait(rollout);
  addRolloutReport(rollout);
  addRolloutEdit(rollout);
  addRolloutArchive(rollout);
  for (const verb of ROLLOUT_VERBS) addVerb(rollout, verb);
}

type StartOptions = { reason?: string; override?: boolean; supersede?: boolean; watch?: boolean };

function addStart(rollout: Command): void {
  const command = rollout
    .command('start')
    .argument('<file>', SOURCE)
    .description('start a rollout')
    .addHelpText('after', PRESETS_HELP)
    .option('--reason <text>', 'why, for the audit (default: "started from the command line")')
    .option(
      '--override',
      'also during the cool-down after a rollback of the same candidate, and where a required gate does not hold; needs --reason',
    )
    .option(
      '--supersede',
      'in place of a rollout that has these devices: it is rolled back first, then this one begins',
    )
    .option('--watch', 'stay and watch it');
  type Options = PresetOptions & StartOptions;
  addAction<Options>(
    addPresetOptions(command),
    async (session, args, { reason: given, override, supersede, watch, ...preset }) => {
      const reason = given ?? 'started from the command line';
      if (override && given === undefined)
        throw new CommandError(EXIT.usage, '--override needs a --reason of your own');
      const { text } = await readSource(argument(args, 0), preset);
      const body = {
        file: text,
        actor: session.actor,
        reason,
        ...(override ? { override } : {}),
        ...(supersede ? { supersede } : {}),
      };
      const view = await session.api.post('/v1/rollouts', body, rolloutViewSchema);
      if (watch) return watchRollout(session, view.id);
      session.output.show(
        view,
        () => `${renderRollout(view, session.output)}\n\nwatch it: belay rollout get ${view.id} --watch`,
      );
      return undefined;
    },
  );
}

function addList(rollout: Command): void {
  addAction(rollout.command('list').description('every rollout, newest first'), async ({ api, output }) => {
    const list = await api.get('/v1/rollouts', rolloutListSchema);
    output.show(list, () => {
      if (list.rollouts.length === 0) return 'No rollouts yet. Next: belay rollout plan FILE';
      const rows = list.rollouts.map((item) => [
        item.id,
        item.name,
        shortRelease(item.candidate.release),
        describeListed(item),
        `${item.stage} (${item.stageIndex + 1}/${item.stageCount})`,
        formatAge(item.createdAtMs, Date.now()),
        item.status,
      ]);
      return renderTable(
        ['ID', 'NAME', 'CANDIDATE', 'STATE', 'STAGE', 'STARTED', 'WHERE IT STANDS'].map((title) => ({ title })),
        rows,
      );
    });
    return undefined;
  });
}

/** What is killed says so first; one that has ended also says how. */
function describeListed({ killed, state, endedAtMs }: RolloutSummary): string {
  if (killed === null) return state;
  return endedAtMs === null ? 'killed' : `killed (${state})`;
}

function addGet(rollout: Command): void {
  const command = rollout
    .command('get')
    .argument('<id>')
    .description('one rollout on one screen')
    .option('--watch', 'stay until it has ended or is held; the exit code is the verdict')
    .option('--file', 'only the rollout file in force, to save and edit');
  addAction<{ watch?: boolean; file?: boolean }>(command, async (session, args, { watch, file }) => {
    if (watch) return watchRollout(session, argument(args, 0));
    const view = await fetchRollout(session, argument(args, 0));
    if (file) {
      session.output.show({ file: view.fileText, revision: view.revision }, () => view.fileText.trimEnd());
      return undefined;
    }
    session.output.show(view, () => renderRollout(view, session.output));
    return undefined;
  });
}

function addWhy(rollout: Command): void {
  const command = rollout
    .command('why')
    .argument('<id>')
    .description('why it is where it is, with the numbers, and what you can do');
  addAction(command, async ({ api, output }, args) => {
    const why = await api.get(`${rolloutPath(argument(args, 0))}/why`, rolloutWhySchema);
    output.show(why, () =>
      [
        output.tint('bold', why.summary),
        ...why.sentences.map((line) => `  ${line}`),
        ...why.whatYouCanDo.map((line) => `  → ${line}`),
      ].join('\n'),
    );
    return undefined;
  });
}

function addWait(rollout: Command): void {
  const command = rollout
    .command('wait')
    .argument('<id>')
    .description('wait until it has ended or is held; the exit code is the verdict')
    .option('--timeout <seconds>', 'give up after this many seconds (exit 7)', '7200');
  addAction<{ timeout: string }>(command, async (session, args, { timeout }) => {
    return waitForRollout(session, argument(args, 0), readSeconds(timeout));
  });
}

const VERB_WORDS: Readonly<Record<RolloutVerb, string>> = {
  hold: 'stop growth; exposed devices keep the candidate',
  resume: 'go on after a hold',
  approve: 'approve the stage that waits for it, of the plan as it is now; not for the one who started it',
  promote: 'go to the next stage now; never over a breach, a kill or missing devices',
  rollback: 'take every device back to the release it ran before',
  abort: 'end it: back to the baseline, or with --keep leave exposed devices as they are',
};

type VerbOptions = { reason: string; override?: boolean; keep?: boolean; revision?: string };

function addVerb(rollout: Command, verb: RolloutVerb): void {
  const command = rollout
    .command(verb)
    .argument('<id>')
    .description(VERB_WORDS[verb])
    .requiredOption('--reason <text>', 'why, for the audit');
  if (verb === 'promote') command.option('--override', 'also when evidence is missing');
  if (verb === 'abort') command.option('--keep', 'leave exposed devices on the candidate');
  if (verb === 'approve')
    command.option('--revision <number>', 'approve a change of its file that waits, not the stage');
  addAction<VerbOptions>(command, async (session, args, { reason, override, keep, revision }) => {
    const { api, output, actor } = session;
    if (revision !== undefined)
      return settleRevision(session, {
        id: argument(args, 0),
        verb: 'approve',
        number: readRevision(revision),
        reason,
      });
    const path = rolloutPath(argument(args, 0));
    // The approval is of the plan that is there now: should it change on the way, the control plane refuses.
    const plan = verb === 'approve' ? { planHash: (await api.get(path, rolloutViewSchema)).planHash } : {};
    const body = { actor, reason, ...(override ? { override } : {}), ...(keep ? { keep } : {}), ...plan };
    const view = await api.post(`${path}/${verb}`, body, rolloutViewSchema);
    output.show(view, () => renderRollout(view, output));
    return undefined;
  });
}
