// `belay rollout edit` and `withdraw`, and what an edited rollout shows: other words for a rollout that goes on.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type RevisionVerb, type RolloutEdited, rolloutEditedSchema } from '../../../shared/protocol/api-revisions.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction, argument, type Session } from '../program.ts';
import { readText } from './rollout-source.ts';
import { fetchRollout } from './rollout-watch.ts';

const EDIT_HELP = `
What only tightens (a lower limit, a longer bake, one gate more) is in force at once. What is not known to be tighter waits
for approval by others than the one who asks for it: belay rollout approve ID --revision N. Candidate, baseline, cohort and
the stages that have begun cannot be changed.

  belay rollout get ID --file > running.yaml       # the words in force, to edit
  belay rollout edit ID running.yaml --dry-run --reason "p95 at +5 %"
`;

type EditOptions = ChangeOptions & { reason: string; from?: string };

export function addRolloutEdit(rollout: Command): void {
  const edit = rollout
    .command('edit')
    .argument('<id>')
    .argument('<file>', 'the whole new file; "-" is stdin')
    .description('give a running rollout other words, as a numbered revision')
    .option('--from <revision>', 'the revision that the file was made from (default: the one in force now)')
    .addHelpText('after', EDIT_HELP);
  addChangeOptions(edit, 'why, for the audit');
  addAction<EditOptions>(edit, async (session, args, { reason, from, dryRun }) => {
    const id = argument(args, 0);
    const file = await readText(argument(args, 1));
    const baseRevision = from === undefined ? (await fetchRollout(session, id)).revision : readRevision(from);
    const body = { file, actor: session.actor, reason, baseRevision, ...(dryRun ? { dryRun } : {}) };
    const edited = await session.api.ask(endpoint('PUT /v1/rollouts/:id', { id }), rolloutEditedSchema, body);
    session.output.show(edited, () => renderEdited(edited, id, session.output));
    return undefined;
  });
  const withdraw = rollout
    .command('withdraw')
    .argument('<id>')
    .description('take back a revision that waits for approval')
    .requiredOption('--revision <number>', 'which one');
  type WithdrawOptions = ChangeOptions & { revision: string; reason: string };
  addAction<WithdrawOptions>(addChangeOptions(withdraw, 'why, for the audit'), async (session, args, options) => {
    const { reason } = options;
    const [id, number] = [argument(args, 0), readRevision(options.revision)];
    const request = { ...revisionAt(id, number, 'withdraw'), body: { actor: session.actor, reason } };
    const what = `withdraw revision ${number} of ${id}`;
    if (!(await isWanted(session.output, options, { what, request, asking: 'never' }))) return undefined;
    return settleRevision(session, { id, verb: 'withdraw', number, reason });
  });
}

type Settling = { readonly id: string; readonly verb: RevisionVerb; readonly number: number; readonly reason: string };

/** The approval is of the words that are there now: they never change, and the control plane compares their hash. */
export async function settleRevision(session: Session, { id, verb, number, reason }: Settling): Promise<undefined> {
  const { revisions } = await fetchRollout(session, id);
  const planHash = revisions.find((revision) => revision.number === number)?.planHash;
  const body = { actor: session.actor, reason, ...(planHash === undefined ? {} : { planHash }) };
  const edited = await session.api.ask(revisionAt(id, number, verb), rolloutEditedSchema, body);
  session.output.show(edited, () => renderEdited(edited, id, session.output));
  return undefined;
}

export function revisionAt(id: string, number: number, verb: RevisionVerb) {
  return endpoint('POST /v1/rollouts/:id/revisions/:number/:verb', { id, number, verb });
}

export function readRevision(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new CommandError(EXIT.usage, `a revision is a number such as 2, not "${text}"`);
}

const TONES = { tighten: 'good', neutral: 'dim', loosen: 'warn', forbidden: 'bad' } as const;

function renderEdited({ outcome, revision, changes }: RolloutEdited, id: string, output: Pick<Output, 'tint'>): string {
  const lines = changes.map(({ kind, sentence }) => `  ${output.tint(TONES[kind], sentence)}`);
  const isOpen = changes.some(({ kind }) => kind === 'loosen');
  const head = {
    'in-force': `Revision ${revision} is in force`,
    proposed: `Revision ${revision} waits for approval: belay rollout approve ${id} --revision ${revision} --reason …`,
    withdrawn: `Revision ${revision} is withdrawn`,
    checked: isOpen ? 'It would wait for approval' : 'It would be in force at once',
  }[outcome];
  return [head, ...lines].join('\n');
}
