// `belay drill …`: rehearse a failed candidate, list, show. The exit code says whether the promises of a game day were kept.
import { setTimeout as wait } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type Drill, drillListSchema, drillSchema } from '../../../shared/protocol/api-drills.ts';
import { DRILL_FAILURES } from '../../../shared/release/drill.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, argument, readSeconds, type Session } from '../program.ts';
import { renderDrill } from '../render/drill.ts';
import { formatAge, renderTable } from '../render/table.ts';
import { readText } from './rollout-source.ts';

const POLL_MS = 300;
/** A drill on devices is taken back after five minutes, and then waited for. */
const DEADLINE_S = 660;

type RunOptions = ChangeOptions & {
  failure: (typeof DRILL_FAILURES)[number];
  simulated?: boolean;
  devices?: string;
  seed?: string;
  factory?: string;
  plan?: string;
  reason: string;
  timeout: string;
};

const HELP = `
On a simulated fleet every failure can be rehearsed, with the guardrails and decisions of the product:
  belay drill --failure hot --simulated --devices 200 --seed 7
On real devices too: they get their own baseline's model, declared to fail on purpose. hot: the agent adds 60 °C to what
it reads (a box without a sensor feels nothing). silent: it keeps reports, hellos and windows; orders, kills and safety events pass.
Their answers stay those of the baseline; limits, guardrails, leases, a person or a kill take it back, and after
five minutes the drill itself does. It can be neither promoted nor kept.
  belay drill --failure slow --factory plant-a --devices cam-1,cam-2
Promised: less than 2 minutes from the first bad frame, and less than 1 minute from the decision, until every device
answers with its baseline again. Exit 0: kept, 1: not kept or nobody found it. "requires: [drill.passed]" in a rollout
file asks for a drill that kept them within 30 days.`;

export function addDrillCommands(program: Command): void {
  const drill = program.command('drill').description('rehearse a failed candidate, and measure how fast all are back');
  const run = drill
    .command('run', { isDefault: true })
    .description('start a drill and wait for its result (belay drill --failure … is the same)')
    .addOption(new Option('--failure <what>', 'how the candidate fails').choices(DRILL_FAILURES).makeOptionMandatory())
    .option('--simulated', 'on a simulated fleet')
    .option('--devices <n or names>', 'with --simulated: how many (default 200); with --factory: names, by commas')
    .option('--seed <n>', 'with --simulated: which fleet (default 1)')
    .option('--factory <site>', 'on real devices of this factory')
    .option('--plan <file>', 'rollout file whose guardrails, limits, lease and abort rules are rehearsed')
    .option('--reason <text>', 'why: it stands in the audit', 'game day')
    .option('--timeout <seconds>', 'wait no longer (exit 7); the drill goes on', String(DEADLINE_S))
    .addHelpText('after', HELP);
  addAction<RunOptions>(addChangeOptions(run, null), async (session, _args, options) => runDrill(session, options));
  addList(drill);
  addShow(drill);
}

async function runDrill({ api, output, actor }: Session, options: RunOptions): Promise<ExitCode> {
  const seconds = readSeconds(options.timeout);
  const file = options.plan === undefined ? {} : { file: await readText(options.plan) };
  const { failure, reason } = options;
  const body = { failure, actor, reason, ...whereOf(options), ...file };
  const request = { ...endpoint('POST /v1/drills'), body };
  const devices = options.simulated ? 'a simulated fleet' : `real devices of ${options.factory}: ${options.devices}`;
  const change = {
    what: `rehearse "${failure}" on ${devices}`,
    request,
    asking: options.simulated ? 'never' : 'always',
  } as const;
  if (!(await isWanted(output, options, change))) return EXIT.ok;
  let drill = await api.ask(request, drillSchema, body);
  output.note(`drill ${drill.id}: ${drill.failure} on ${drill.scope}`);
  const deadlineMs = performance.now() + seconds * 1000;
  while (drill.state === 'running') {
    if (performance.now() > deadlineMs)
      throw new CommandError(EXIT.timeout, `drill ${drill.id} is still running: belay drill show ${drill.id}`);
    await wait(POLL_MS);
    drill = await api.ask(endpoint('GET /v1/drills/:id', { id: drill.id }), drillSchema);
  }
  return tell(drill, output);
}

function whereOf({ simulated, devices, seed, factory }: RunOptions) {
  if ((simulated === true) === (factory !== undefined))
    throw new CommandError(EXIT.usage, 'say where: --simulated, or --factory <site> --devices <names>');
  if (simulated)
    return {
      simulated: {
        ...(devices === undefined ? {} : { devices: count('--devices', devices) }),
        ...(seed === undefined ? {} : { seed: count('--seed', seed) }),
      },
    };
  const names = (devices ?? '').split(',').filter((name) => name !== '');
  if (names.length === 0) throw new CommandError(EXIT.usage, '--factory needs --devices: names of devices, by commas');
  if (seed !== undefined) throw new CommandError(EXIT.usage, '--seed goes with --simulated');
  return { agents: { site: factory ?? '', devices: names } };
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new CommandError(EXIT.usage, `${option} ${text}: give a whole number above 0`);
}

function tell(drill: Drill, output: Output): ExitCode {
  output.show(drill, () => renderDrill(drill, output));
  return drill.state === 'failed' ? EXIT.failed : EXIT.ok;
}

function addList(drill: Command): void {
  const command = drill.command('list').description('every drill, newest first');
  addAction(command, async ({ api, output }) => {
    const list = await api.ask(endpoint('GET /v1/drills'), drillListSchema);
    output.show(list, () => {
      if (list.drills.length === 0) return 'No drill yet: belay drill --failure slow --simulated';
      const rows = list.drills.map((item) => [
        item.id,
        item.failure,
        item.state,
        formatAge(item.startedAtMs, Date.now()),
        item.scope,
        item.result?.sentence ?? '',
      ]);
      return renderTable(
        ['DRILL', 'FAILURE', 'STATE', 'STARTED', 'ON', 'RESULT'].map((title) => ({ title })),
        rows,
      );
    });
    return undefined;
  });
}

function addShow(drill: Command): void {
  const command = drill.command('show').argument('<id>').description('one drill with its timeline (exit 1: failed)');
  addAction(command, async ({ api, output }, args) => {
    const found = await api.ask(endpoint('GET /v1/drills/:id', { id: argument(args, 0) }), drillSchema);
    return tell(found, output);
  });
}
