// The verbs of a person on a rollout: hold, resume, approve, promote, rollback, abort. Going back is never held up by a question that nobody can answer.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  ROLLOUT_VERBS,
  type RolloutActBody,
  type RolloutVerb,
  type RolloutView,
  rolloutListSchema,
  rolloutViewSchema,
} from '../../../shared/protocol/api-rollouts.ts';
import { hasEnded } from '../../../shared/protocol/rollout-states.ts';
import { CommandError } from '../api-client.ts';
import { type Asking, addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { pageOf } from '../page.ts';
import { addAction, argument, type Session } from '../program.ts';
import { renderRollout } from '../render/rollout.ts';
import { countDevices } from '../render/table.ts';
import { promoteFurther } from './promote-further.ts';
import { readRevision, revisionAt, settleRevision } from './rollout-edit.ts';
import { fetchRollout } from './rollout-watch.ts';

const VERB_WORDS: Readonly<Record<RolloutVerb, string>> = {
  hold: 'stop growth; exposed devices keep the candidate (also: pause)',
  resume: 'go on after a hold',
  approve: 'approve the stage that waits for it, of the plan as it is now; not for the one who started it',
  promote: 'go to the next stage now; never over a breach, a kill or missing devices',
  rollback: 'take every device back to the release it ran before',
  abort: 'end it: back to the baseline, or with --keep leave exposed devices as they are',
};

const REASON = 'why, for the audit';
const ROLLBACK_HELP = `
Examples
  belay rollback --reason "dark images on line 3"     the one rollout that goes on
  belay rollback first-rollout --reason "…" --yes     no question
  belay rollback --dry-run --reason "…"               from what to what, and how many devices
Without a terminal it does not ask. To stop every candidate everywhere, measured: belay kill --all --reason "…"`;

type VerbOptions = ChangeOptions & {
  reason: string;
  override?: boolean;
  keep?: boolean;
  revision?: string;
  full?: boolean;
  to?: string;
};

export function addVerbs(rollout: Command): void {
  for (const verb of ROLLOUT_VERBS) addVerb(rollout, verb);
}

/** `belay rollback`: the same as `belay rollout rollback`. */
export function addRollbackCommand(program: Command): void {
  const command = program
    .command('rollback')
    .argument('[id]', 'of the rollout (default: the only one that goes on)')
    .description('take every device of a rollout back (belay rollout rollback)')
    .addHelpText('after', ROLLBACK_HELP);
  addAction<VerbOptions>(addChangeOptions(command, REASON), (session, args, options) =>
    act(session, { verb: 'rollback', id: args[0], options }),
  );
}

function addVerb(rollout: Command, verb: RolloutVerb): void {
  const command = rollout.command(verb).description(VERB_WORDS[verb]);
  if (verb === 'rollback')
    command.argument('[id]', 'default: the only one that goes on').addHelpText('after', ROLLBACK_HELP);
  else command.argument('<id>');
  if (verb === 'hold') command.alias('pause');
  if (verb === 'promote')
    command
      .option('--override', 'also when evidence is missing')
      .option('--to <stage>', 'further: until this stage is reached, by name or percent')
      .option('--full', 'further: until every device has it');
  if (verb === 'abort') command.option('--keep', 'leave exposed devices on the candidate');
  if (verb === 'approve')
    command.option('--revision <number>', 'approve a change of its file that waits, not the stage');
  addAction<VerbOptions>(addChangeOptions(command, REASON), async (session, args, options) => {
    const { revision, reason } = options;
    if (revision === undefined) return act(session, { verb, id: args[0], options });
    const settling = { id: argument(args, 0), verb: 'approve', number: readRevision(revision), reason } as const;
    const address = revisionAt(settling.id, settling.number, 'approve');
    const request = { ...address, body: { actor: session.actor, reason } };
    const what = `approve revision ${settling.number} of ${settling.id}`;
    if (!(await isWanted(session.output, options, { what, request, asking: 'always' }))) return undefined;
    return settleRevision(session, settling);
  });
}

type Act = { readonly verb: RolloutVerb; readonly id: string | undefined; readonly options: VerbOptions };

async function act(session: Session, { verb, id: given, options }: Act): Promise<undefined> {
  const { api, output, actor } = session;
  const { reason, override, keep } = options;
  const id = given ?? (await onlyRolloutThatGoesOn(session));
  // The approval is of the plan that is there now: should it change on the way, the control plane refuses.
  const plan = verb === 'approve' ? { planHash: (await fetchRollout(session, id)).planHash } : {};
  const body: RolloutActBody = { actor, reason, ...(override ? { override } : {}), ...(keep ? { keep } : {}), ...plan };
  const change = {
    what: `${verb === 'rollback' ? 'roll back' : verb} ${id}${keep ? ', and leave exposed devices on the candidate' : ''}`,
    reach: async () => tellReach(await fetchRollout(session, id), verb),
    request: { ...endpoint('POST /v1/rollouts/:id/:verb', { id, verb }), body },
    asking: askingOf(verb, keep === true),
  };
  if (!(await isWanted(output, options, change))) return undefined;
  if (verb === 'promote' && (options.full || options.to !== undefined)) {
    await promoteFurther(session, { id, body, to: options.full ? null : (options.to ?? null) });
    return undefined;
  }
  if (verb === 'rollback' && given === undefined) output.note(`rolling back ${id}, the only rollout that goes on`);
  const view = await api.ask(change.request, rolloutViewSchema, body);
  output.show(
    view,
    () => `${renderRollout(view, output)}\n\nPage      ${pageOf(api.url, { kind: 'rollout', id: view.id })}`,
  );
  return undefined;
}

/** What stops growth or leads back is done at once where nobody can be asked; what exposes devices needs a yes. */
function askingOf(verb: RolloutVerb, keep: boolean): Asking {
  if (verb === 'hold') return 'never';
  return verb === 'rollback' || (verb === 'abort' && !keep) ? 'on-terminal' : 'always';
}

function tellReach(view: RolloutView, verb: RolloutVerb): readonly string[] {
  const baselines = view.baselines.map(({ release }) => release).join(', ') || 'what they ran before';
  const { assigned, exposed, reachable } = view.exposure;
  const offline = assigned > reachable ? `; ${assigned - reachable} are offline and follow when they are back` : '';
  const stands = `${view.id} is ${view.state} at stage ${view.stage}: ${view.status}`;
  if (verb === 'rollback' || verb === 'abort')
    return [
      `${view.candidate.release} → ${baselines}`,
      `${countDevices(exposed)} have the candidate now${offline}`,
      stands,
    ];
  const next = view.stages[view.stageIndex + 1];
  const grows =
    next === undefined
      ? 'every device makes it its baseline'
      : `stage ${next.name}: ${countDevices(next.devices)} of ${view.devices.length}`;
  return [stands, `${countDevices(assigned)} are assigned ${view.candidate.release}${offline}`, `next: ${grows}`];
}

async function onlyRolloutThatGoesOn({ api }: Session): Promise<string> {
  const { rollouts } = await api.ask(endpoint('GET /v1/rollouts'), rolloutListSchema);
  const open = rollouts.filter(({ state }) => !hasEnded(state));
  const [only] = open;
  if (only === undefined) {
    const newest =
      rollouts[0] === undefined ? 'there was none yet' : `the newest, ${rollouts[0].id}, is ${rollouts[0].state}`;
    throw new CommandError(
      EXIT.notFound,
      `no rollout goes on (${newest}): nothing to roll back.\nNext: what is committed goes back by a new rollout, or at once by belay kill --release NAME:VERSION --reason "…"`,
    );
  }
  if (open.length === 1) return only.id;
  const names = open.map(({ id, status }) => `  ${id}  ${status}`);
  throw new CommandError(EXIT.usage, [`${open.length} rollouts go on; say which:`, ...names].join('\n'));
}
