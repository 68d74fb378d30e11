// The editor of a rollout's words, and the revisions that wait: loaded when somebody edits, or when one waits.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { RevisionVerb, RolloutEdited } from '../../../../shared/protocol/api-revisions.ts';
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { ApiProblem, ask, session } from '../../api.ts';
import { Action, Cli, Trouble } from '../../shell/kit.tsx';
import { lackOf } from './actions.ts';
import { FileBox } from './file-box.tsx';
import { changeSigns } from './revision-words.ts';
import { Chip } from './signs.tsx';

export type EditorProps = {
  readonly id: string;
  readonly revision: number;
  readonly file: string;
  readonly refresh: () => void;
  readonly close: () => void;
};

/** Shows what other words would change before they are sent. */
export function Editor({ id, revision, file: before, refresh, close }: EditorProps) {
  const [file, setFile] = useState(before);
  const [checked, setChecked] = useState<{ readonly file: string; readonly edited: RolloutEdited } | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const send = (reason: string, dryRun: boolean): Promise<RolloutEdited> => {
    const body = { file, reason, baseRevision: revision, ...(dryRun ? { dryRun } : {}) };
    return ask(endpoint('PUT /v1/rollouts/:id', { id }), body, { 'if-match': '*' });
  };
  const check = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      setChecked({ file, edited: await send('what would it change', true) });
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) }));
    }
  };
  const edited = checked?.file === file ? checked.edited : null;
  return (
    <>
      <h2>Edit, from revision {revision}</h2>
      <form onSubmit={check}>
        <FileBox label="The whole new file" value={file} set={setFile} />
        <p>
          <button type="submit" disabled={file === before}>
            See what it changes
          </button>{' '}
          <span class="soft">It writes nothing.</span>
        </p>
      </form>
      {problem === null ? null : <Trouble problem={problem} />}
      {edited === null ? null : <Changes changes={edited.changes} reason={edited.reason} />}
      <p class="acts">
        <Action
          word="Make it a revision"
          says="What only tightens is in force at once; what loosens waits for approval by others"
          command={`belay rollout edit ${id} FILE --from ${revision} --reason REASON`}
          tone="good"
          disabledBecause={edited === null ? 'see what it changes first' : null}
          run={async (reason) => {
            await send(reason, false);
            close();
            refresh();
          }}
        />
        <button type="button" onClick={close}>
          Close
        </button>
      </p>
      <Cli command={`belay rollout get ${id} --file > running.yaml`} />
    </>
  );
}

function Changes({ changes, reason }: { readonly changes: RolloutEdited['changes']; readonly reason: string }) {
  return (
    <section aria-live="polite">
      <p>{reason}</p>
      <ul class="changes">
        {changes.map(({ path, kind, sentence }) => (
          <li key={`${path} ${sentence}`}>
            <Chip sign={changeSigns[kind]} /> {sentence}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Revisions that wait for somebody else's yes. */
export function Proposals({ view, refresh }: { readonly view: RolloutView; readonly refresh: () => void }) {
  const proposed = view.revisions.filter(({ state }) => state === 'proposed');
  const lacks = lackOf(session.value, 'approve', view.sites);
  const settle = (number: number, verb: RevisionVerb, planHash: string) => async (reason: string) => {
    const body = { reason, ...(verb === 'approve' ? { planHash } : {}) };
    const address = endpoint('POST /v1/rollouts/:id/revisions/:number/:verb', { id: view.id, number, verb });
    await ask(address, body, { 'if-match': '*' });
    refresh();
  };
  return (
    <>
      {proposed.map(({ number, actor, reason, changes, approvals, needed, planHash }) => (
        <section key={number} class="proposal">
          <h3>
            Revision {number} waits: {approvals.length} of {needed} approvals
          </h3>
          <Changes changes={changes} reason={`${actor}: ${reason}`} />
          <Action
            word={`Approve revision ${number}`}
            says={`Bring revision ${number} into force`}
            command={`belay rollout approve ${view.id} --revision ${number} --reason REASON`}
            tone="good"
            disabledBecause={
              lacks ??
              (session.value?.identity.name === actor && !session.value.open
                ? `${actor} asked for it: somebody else approves`
                : null)
            }
            run={settle(number, 'approve', planHash)}
          />
          <Action
            word="Withdraw"
            says={`Take revision ${number} back`}
            command={`belay rollout withdraw ${view.id} --revision ${number} --reason REASON`}
            disabledBecause={lackOf(session.value, 'operate', view.sites)}
            run={settle(number, 'withdraw', planHash)}
          />
        </section>
      ))}
    </>
  );
}
