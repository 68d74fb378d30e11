// `belay rollout …`: plan, start, list, get, why, wait, and the verbs of a person.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  type RolloutSummary,
  rolloutListSchema,
  rolloutPlanSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addLimit, type LimitOption, tellMore } from '../limit.ts';
import { pageOf } from '../page.ts';
import { addAction, argument, readSeconds, type Session } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { countDevices, formatAge, renderTable, shortRelease } from '../render/table.ts';
import { addPlan } from './plan.ts';
import { addRehearse } from './rehearse.ts';
import { addRolloutArchive, addRolloutExport, addRolloutReport } from './report.ts';
import { addRolloutEdit } from './rollout-edit.ts';
import { addRolloutFileCommands } from './rollout-file.ts';
import { addRetry } from './rollout-retry.ts';
import { addPresetOptions, PRESETS_HELP, type PresetOptions, readSource, SOURCE } from './rollout-source.ts';
import { addRollbackCommand, addVerbs } from './rollout-verbs.ts';
import { fetchRollout, waitForRollout, watchRollout } from './rollout-watch.ts';

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
  addVerbs(rollout);
  addRetry(rollout);
  addRolloutReport(rollout);
  addRolloutExport(rollout);
  addRolloutEdit(rollout);
  addRolloutArchive(rollout);
  addRollbackCommand(program);
}

type StartOptions = ChangeOptions & { override?: boolean; supersede?: boolean; watch?: boolean };

function addStart(rollout: Command): void {
  const command = rollout
    .command('start')
    .argument('<file>', SOURCE)
    .description('start a rollout')
    .addHelpText('after', PRESETS_HELP)
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
  const reasonHelp = 'why, for the audit (default: "started from the command line")';
  addAction<Options>(addChangeOptions(addPresetOptions(command), reasonHelp, false), async (session, args, options) => {
    const { api, output, actor } = session;
    const { reason: given, override, supersede, watch } = options;
    const reason = given ?? 'started from the command line';
    if (override && given === undefined) throw new CommandError(EXIT.usage, '--override needs a --reason of your own');
    const { text, title } = await readSource(argument(args, 0), options);
    const body = { file: text, actor, reason, ...(override ? { override } : {}), ...(supersede ? { supersede } : {}) };
    const change = {
      what: `start the rollout of ${title}`,
      reach: () => tellPlan(session, text),
      request: { ...endpoint('POST /v1/rollouts'), body },
      asking: 'always',
    } as const;
    if (!(await isWanted(output, options, change))) return undefined;
    const view = await api.ask(endpoint('POST /v1/rollouts'), rolloutViewSchema, body);
    if (watch) return watchRollout(session, view.id);
    output.show(view, () =>
      [
        `${renderRollout(view, output)}\n`,
        `Page      ${pageOf(api.url, { kind: 'rollout', id: view.id })}`,
        `Watch it  belay rollout get ${view.id} --watch`,
      ].join('\n'),
    );
    return undefined;
  });
}

/** Whom each stage would reach, and what stands in the way. */
async function tellPlan({ api }: Session, file: string): Promise<readonly string[]> {
  const { plan, problems } = await api.ask(
    endpoint('POST /v1/rollouts/plan'),
    rolloutPlanSchema,
    { file },
    PLAN_TIMEOUT_MS,
  );
  if (plan === null) return problems.map(({ line, column, message }) => `line ${line}:${column}: ${message}`);
  const stages = plan.stages.map((stage) => `stage ${stage.name} (${stage.mode}): ${countDevices(stage.devices)}`);
  return [...stages, ...[...plan.refusals, ...plan.needsOverride].map((why) => `in the way: ${why}`)];
}

/** The control plane gives up after 50 s of computing. */
const PLAN_TIMEOUT_MS = 75_000;

function addList(rollout: Command): void {
  const command = addLimit(rollout.command('list').description('every rollout, newest first'));
  addAction<LimitOption>(command, async ({ api, output }, _args, { limit }) => {
    const list = await api.ask(endpoint('GET /v1/rollouts', { limit }), rolloutListSchema);
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
    tellMore(output, list);
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
    .option('-w, --watch', 'stay until it has ended or is held; the exit code is the verdict')
    .option('--file', 'only the rollout file in force, to save and edit');
  addAction<{ watch?: boolean; file?: boolean }>(command, async (session, args, { watch, file }) => {
    if (watch) return watchRollout(session, argument(args, 0));
    const view = await fetchRollout(session, argument(args, 0));
    if (file) {
      session.output.show({ file: view.fileText, revision: view.revision }, () => view.fileText.trimEnd());
      return undefined;
    }
    const page = pageOf(session.api.url, { kind: 'rollout', id: view.id });
    session.output.show(view, () => `${renderRollout(view, session.output)}\n\nPage      ${page}`);
    return undefined;
  });
}

function addWhy(rollout: Command): void {
  const command = rollout
    .command('why')
    .argument('<id>')
    .description('why it is where it is, with the numbers, and what you can do');
  addAction(command, async ({ api, output }, args) => {
    const why = await api.ask(endpoint('GET /v1/rollouts/:id/why', { id: argument(args, 0) }), rolloutWhySchema);
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

const WAIT_HELP = `
Exit 0: it got there. 8: rolled back, aborted or killed. 9: held, a person must look. 7: not yet, when the time was over.

Examples
  belay rollout wait first-rollout --for done --timeout 2h
  belay rollout wait first-rollout --for stage=25 --timeout 30m    by percent, or by name: --for stage=quarter`;

function addWait(rollout: Command): void {
  const command = rollout
    .command('wait')
    .argument('<id>')
    .description('wait until it has ended or is held, or has reached a stage; the exit code is the verdict')
    .option('--for <what>', 'done, or stage=NAME or stage=PERCENT', 'done')
    .option('--timeout <time>', 'give up after this (exit 7): seconds, or such as 30m, 2h', '2h')
    .addHelpText('after', WAIT_HELP);
  addAction<{ for: string; timeout: string }>(command, async (session, args, { for: wanted, timeout }) => {
    const stage = /^stage=(.+)$/.exec(wanted)?.[1] ?? null;
    if (stage === null && wanted !== 'done')
      throw new CommandError(EXIT.usage, `--for ${wanted}: give done, stage=NAME or stage=PERCENT`);
    return waitForRollout(session, argument(args, 0), { seconds: readSeconds(timeout), stage });
  });
}
