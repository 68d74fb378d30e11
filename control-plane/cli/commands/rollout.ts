// `belay rollout …`: plan, start, list, get, why, wait, and the verbs of a person.
import type { Command } from 'commander';
import {
  ROLLOUT_VERBS,
  type RolloutSummary,
  type RolloutVerb,
  rolloutListSchema,
  rolloutPlanSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { describePresets } from '../../../shared/rollout/presets.ts';
import { formatFileProblem } from '../../../shared/rollout/read-rollout-file.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument, readSeconds } from '../program.ts';
import { renderPlan } from '../render/plan.ts';
import { renderRollout } from '../render/rollout.ts';
import { formatAge, renderTable, shortRelease } from '../render/table.ts';
import { addRolloutArchive, addRolloutReport } from './report.ts';
import { addRolloutFileCommands } from './rollout-file.ts';
import { addPresetOptions, type PresetOptions, readSource } from './rollout-source.ts';
import { fetchRollout, rolloutPath, waitForRollout, watchRollout } from './rollout-watch.ts';

export function addRolloutCommands(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('rollouts: moving devices from a baseline to a candidate, stage by stage');
  addRolloutFileCommands(rollout);
  addPlan(rollout);
  addStart(rollout);
  addList(rollout);
  addGet(rollout);
  addWhy(rollout);
  addWait(rollout);
  addRolloutReport(rollout);
  addRolloutArchive(rollout);
  for (const verb of ROLLOUT_VERBS) addVerb(rollout, verb);
}

const SOURCE = 'a rollout file, or with --preset a release';
const PRESETS_HELP = `\nPresets\n${describePresets().replaceAll(/^/gm, '  ')}\n`;

function addPlan(rollout: Command): void {
  const command = rollout
    .command('plan')
    .argument('<file>', SOURCE)
    .description('who would get the candidate when, and what stands in the way; exit 1 when it could not start')
    .addHelpText('after', PRESETS_HELP);
  addAction<PresetOptions>(addPresetOptions(command), async ({ api, output }, args, options) => {
    const { title, text } = await readSource(argument(args, 0), options);
    const answer = await api.post('/v1/rollouts/plan', { file: text }, rolloutPlanSchema);
    const { plan } = answer;
    if (plan === null) {
      const lines = answer.problems.map((problem) => formatFileProblem(title, problem));
      throw new CommandError(
        EXIT.usage,
        `${title} has ${lines.length === 1 ? 'a mistake' : `${lines.length} mistakes`}:\n${lines.join('\n')}`,
        answer.problems,
      );
    }
    output.show(answer, () => renderPlan(plan, output));
    return plan.refusals.length + plan.needsOverride.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

type StartOptions = { reason?: string; override?: boolean; watch?: boolean };

function addStart(rollout: Command): void {
  const command = rollout
    .command('start')
    .argument('<file>', SOURCE)
    .description('start a rollout')
    .addHelpText('after', PRESETS_HELP)
    .option('--reason <text>', 'why, for the audit (default: "started from the command line")')
    .option('--override', 'also during the cool-down after a rollback of the same candidate; needs --reason')
    .option('--watch', 'stay and watch it');
  type Options = PresetOptions & StartOptions;
  addAction<Options>(
    addPresetOptions(command),
    async (session, args, { reason: given, override, watch, ...preset }) => {
      const reason = given ?? 'started from the command line';
      if (override && given === undefined)
        throw new CommandError(EXIT.usage, '--override needs a --reason of your own');
      const { text } = await readSource(argument(args, 0), preset);
      const body = { file: text, actor: session.actor, reason, ...(override ? { override } : {}) };
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
    .option('--watch', 'stay until it has ended or is held; the exit code is the verdict');
  addAction<{ watch?: boolean }>(command, async (session, args, { watch }) => {
    if (watch) return watchRollout(session, argument(args, 0));
    const view = await fetchRollout(session, argument(args, 0));
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

type VerbOptions = { reason: string; override?: boolean; keep?: boolean };

function addVerb(rollout: Command, verb: RolloutVerb): void {
  const command = rollout
    .command(verb)
    .argument('<id>')
    .description(VERB_WORDS[verb])
    .requiredOption('--reason <text>', 'why, for the audit');
  if (verb === 'promote') command.option('--override', 'also when evidence is missing');
  if (verb === 'abort') command.option('--keep', 'leave exposed devices on the candidate');
  addAction<VerbOptions>(command, async ({ api, output, actor }, args, { reason, override, keep }) => {
    const path = rolloutPath(argument(args, 0));
    // The approval is of the plan that is there now: should it change on the way, the control plane refuses.
    const plan = verb === 'approve' ? { planHash: (await api.get(path, rolloutViewSchema)).planHash } : {};
    const body = { actor, reason, ...(override ? { override } : {}), ...(keep ? { keep } : {}), ...plan };
    const view = await api.post(`${path}/${verb}`, body, rolloutViewSchema);
    output.show(view, () => renderRollout(view, output));
    return undefined;
  });
}
