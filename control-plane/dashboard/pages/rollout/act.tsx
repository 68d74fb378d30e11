// What a person can do: the verbs, each with its reason or why not; and other words for the rollout.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';
import { ask, session } from '../../api.ts';
import { Action, Cli } from '../../shell/kit.tsx';
import { noEdit, returnsOf, type Verb, verbsOf } from './actions.ts';
import { Edit, Proposals } from './edit.tsx';
import { count, hasEnded } from './words.ts';

type Props = { readonly view: RolloutView; readonly refresh: () => void };

export function Actions({ view, refresh }: Props) {
  if (hasEnded(view))
    return (
      <p class="acts">
        It has ended, so nothing can be done to it. Another try is another rollout:{' '}
        <Cli command="belay rollout plan FILE" />
      </p>
    );
  return (
    <section class="acts" aria-label="What you can do">
      {verbsOf(view, session.value).map((verb) => (
        <VerbAction key={verb.verb} verb={verb} view={view} refresh={refresh} />
      ))}
      <Edit view={view} refresh={refresh} disabledBecause={noEdit(view, session.value)} />
      <Proposals view={view} refresh={refresh} />
    </section>
  );
}

function VerbAction({ verb, view, refresh }: Props & { readonly verb: Verb }) {
  const [isOn, setOn] = useState(false);
  const option = OPTIONS[verb.verb];
  const run = async (reason: string): Promise<void> => {
    const body = {
      reason,
      ...(verb.verb === 'approve' ? { planHash: view.planHash } : {}),
      ...(option && isOn ? { [option.field]: true } : {}),
    };
    const address = endpoint('POST /v1/rollouts/:id/:verb', { id: view.id, verb: verb.verb });
    await ask(address, body, { 'if-match': verb.ifMatch });
    setOn(false);
    refresh();
  };
  return (
    <Action {...verb} command={option && isOn ? `${verb.command} --${option.field}` : verb.command} run={run}>
      {verb.verb === 'rollback' ? <Returns view={view} /> : null}
      {option === undefined ? null : (
        <label class="option">
          <input type="checkbox" checked={isOn} onChange={(event) => setOn(event.currentTarget.checked)} />{' '}
          {option.says}
        </label>
      )}
    </Action>
  );
}

type Option = { readonly field: 'override' | 'keep'; readonly says: string };

const OPTIONS: Partial<Record<Verb['verb'], Option>> = {
  promote: { field: 'override', says: 'also without enough evidence; never over a breach, a kill or missing devices' },
  abort: { field: 'keep', says: 'leave exposed devices on the candidate; otherwise they go back' },
};

function Returns({ view }: Pick<Props, 'view'>) {
  const returns = returnsOf(view);
  if (returns.length === 0) return <p>No device has the candidate: nothing has to go back.</p>;
  return (
    <ul>
      {returns.map(({ release, devices }) => (
        <li key={release}>
          {count(devices, 'device')}: {view.candidate.release} → {release}
        </li>
      ))}
    </ul>
  );
}
