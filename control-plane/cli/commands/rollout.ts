// `belay rollout …`: plan, start, list, get, why, wait, and the five verbs of a person.
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { describeError } from '../../../shared/basics/errors.ts';
import {
  ROLLOUT_VERBS,
  type RolloutVerb,
  type RolloutView,
  rolloutListSchema,
  rolloutPlanSchema,
  rolloutViewSchema,
  rolloutWhySchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { CommandError } from '../api-client.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { addAction, argument, type Session } from '../program.ts';
import { renderPlan } from '../render/plan.ts';
import { renderRollout } from '../render/rollout.ts';
import { formatAge, renderTable } from '../render/table.ts';

const WATCH_MS = 1000;

export function addRolloutCommands(program: Command): void {
  const rollout = program
    .command('rollout')
    .description('rollouts: moving devices from a baseline to a candidate, stage by stage');
  addPlan(rollout);
  addStart(rollout);
  addList(rollout);
  addGet(rollout);
  addWhy(rollout);
  addWait(rollout);
  for (const verb of ROLLOUT_VERBS) addVerb(rollout, verb);
}

function addPlan(rollout: Command): void {
  const command = rollout
    .command('plan')
    .argument('<file>')
    .description('who would get the candidate when, and what stands in the way; exit 1 when it could not start');
  addAction(command, async ({ api, output }, args) => {
    const file = argument(args, 0);
    const answer = await api.post('/v1/rollouts/plan', { file: await readText(file) }, rolloutPlanSchema);
    const { plan } = answer;
    if (plan === null) {
      const lines = answer.problems.map(
        (problem) => `${file}:${problem.line}:${problem.column} ${problem.path}: ${problem.message}`,
      );
      throw new CommandError(EXIT.usage, `${file} has ${lines.length} mistakes:\n${lines.join('\n')}`, answer.problems);
    }
    output.show(answer, () => renderPlan(plan, output));
    return plan.refusals.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

function addStart(rollout: Command): void {
  const command = rollout
    .command('start')
    .argument('<file>')
    .description('start a rollout')
    .option('--reason <text>', 'why, for the audit', 'started from the command line')
    .option('--watch', 'stay and watch it');
  addAction<{ reason: string; watch?: boolean }>(command, async (session, args, { reason, watch }) => {
    const file = argument(args, 0);
    const view = await session.api.post(
      '/v1/rollouts',
      { file: await readText(file), actor: session.actor, reason },
      rolloutViewSchema,
    );
    if (watch) return watchRollout(session, view.id);
    session.output.show(
      view,
      () => `${renderRollout(view, session.output)}\n\nwatch it: belay rollout get ${view.id} --watch`,
    );
    return undefined;
  });
}

function addList(rollout: Command): void {
  addAction(rollout.command('list').description('every rollout, newest first'), async ({ api, output }) => {
    const list = await api.get('/v1/rollouts', rolloutListSchema);
    output.show(list, () => {
      if (list.rollouts.length === 0) return 'No rollouts yet. Next: belay rollout plan FILE';
      const rows = list.rollouts.map((item) => [
        item.id,
        item.name,
        item.candidate.release,
        item.killed === null ? item.state : 'killed',
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
    const seconds = Number(timeout);
    if (!(seconds > 0)) throw new CommandError(EXIT.usage, `--timeout ${timeout}: give a number of seconds above 0`);
    const deadlineMs = performance.now() + seconds * 1000;
    for (;;) {
      const view = await fetchRollout(session, argument(args, 0));
      const code = verdictOf(view);
      if (code !== null) {
        session.output.show(view, () => view.status);
        return code;
      }
      if (performance.now() > deadlineMs)
        throw new CommandError(EXIT.timeout, `${view.id} is still ${view.state} after ${seconds} s: ${view.status}`);
      await wait(WATCH_MS);
    }
  });
}

const VERB_WORDS: Readonly<Record<RolloutVerb, string>> = {
  hold: 'stop growth; exposed devices keep the candidate',
  resume: 'go on after a hold',
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
    const body = { actor, reason, ...(override ? { override } : {}), ...(keep ? { keep } : {}) };
    const view = await api.post(`${rolloutPath(argument(args, 0))}/${verb}`, body, rolloutViewSchema);
    output.show(view, () => renderRollout(view, output));
    return undefined;
  });
}

/** 0 completed, 8 rolled back, aborted or killed, 9 held; null while it goes on. */
export function verdictOf(view: Pick<RolloutView, 'state' | 'killed'>): ExitCode | null {
  if (view.state === 'completed') return EXIT.ok;
  if (view.state === 'rolled_back' || view.state === 'aborted' || view.killed !== null) return EXIT.rolledBack;
  return view.state === 'holding' ? EXIT.held : null;
}

async function watchRollout(session: Session, id: string): Promise<ExitCode> {
  const screen = createLogUpdate(process.stdout);
  let shown = '';
  for (;;) {
    const view = await fetchRollout(session, id);
    const code = verdictOf(view);
    shown = showWatched(session, screen, view, shown);
    if (code !== null) {
      screen.done();
      return code;
    }
    await wait(WATCH_MS);
  }
}

/** Redraws on a terminal; elsewhere one line (or one JSON document) for each change. */
function showWatched(
  { output }: Session,
  screen: ReturnType<typeof createLogUpdate>,
  view: RolloutView,
  shown: string,
): string {
  if (output.redraws) {
    screen(renderRollout(view, output));
    return shown;
  }
  const line = `${view.state} ${view.stage} ${view.phase ?? ''}  ${view.status}`;
  if (line !== shown) output.show(view, () => line);
  return line;
}

function rolloutPath(id: string): string {
  return `/v1/rollouts/${encodeURIComponent(id)}`;
}

function fetchRollout({ api }: Session, id: string): Promise<RolloutView> {
  return api.get(rolloutPath(id), rolloutViewSchema);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `cannot read ${file}: ${describeError(error)}`);
  }
}
