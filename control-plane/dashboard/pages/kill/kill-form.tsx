// The kill form: scope with its live count, reason, and a button to hold. It works before anything has been read.

import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { KillChoice, KillChoices } from '../../../../shared/protocol/api-kill-page.ts';
import { killCommand, readKillScope, writeKillScope } from '../../../../shared/protocol/kill-scope-text.ts';
import { ApiProblem, ask, session } from '../../api.ts';
import { Age, Cli, Trouble } from '../../shell/kit.tsx';
import { HoldButton } from './hold-button.tsx';
import { reachText, scopeTitle, whyNotYet } from './kill-words.ts';
import { KillsInForce } from './kills-in-force.tsx';
import { usePoll } from './use-poll.ts';

const CHOICES_EVERY_MS = 5000;
const FLEET = { scope: 'fleet', kind: 'fleet', name: 'The whole fleet', says: '' } as const;

export function KillForm() {
  const { query, route } = useLocation();
  const { value, problem, readAtMs } = usePoll(endpoint('GET /v1/kill-choices'), () => CHOICES_EVERY_MS);
  const chosen = query.scope ?? '';
  const scope = readKillScope(chosen);
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [failed, setFailed] = useState<ApiProblem | null>(null);
  const whyNot = whyNotYet({ scope, reason, typed }, session.value);
  const choose = (next: string): void => route(`/kill?scope=${encodeURIComponent(next)}`, true);
  const kill = (): void => {
    // Nothing else is waited for: the same kill twice is one kill.
    if (scope === null) return;
    ask(endpoint('POST /v1/kills'), { scope, reason: reason.trim() }).then(
      ({ id }) => route(`/kill/${id}`),
      (error: unknown) => setFailed(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) })),
    );
  };
  return (
    <>
      <h1>Kill switch</h1>
      <p class="lead">
        Takes everything on trial in a scope off, now. Each device goes back to its committed release before its next
        frame.
      </p>
      {problem === null ? null : <Trouble problem={problem} />}
      <form class="kill-form" onSubmit={(event) => event.preventDefault()}>
        <ScopePicker choices={value} chosen={chosen} choose={choose} />
        <p class="reach" role="status">
          {reachText(scope, value?.choices ?? null, chosen)}{' '}
          {value === null ? null : <Age atMs={readAtMs} staleMs={15_000} />}
        </p>
        <label>
          Reason (it goes into the audit, and to every device)
          <input
            value={reason}
            maxLength={1000}
            autocomplete="off"
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {scope?.kind === 'fleet' && (
          <label>
            <span>
              This is the whole fleet: type <b>fleet</b>
            </span>
            <input
              value={typed}
              maxLength={40}
              autocomplete="off"
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <HoldButton
          word={scope === null ? 'Hold to kill' : `Hold to kill ${scopeTitle(scope)}`}
          disabledBecause={whyNot}
          onHeld={kill}
        />
        <p id="hold-says" class="why-not">
          {whyNot ?? 'Hold for one second, with the pointer or with Enter or Space.'}
        </p>
        {failed === null ? null : <Trouble problem={failed} />}
        {scope === null ? null : <Cli command={killCommand(scope, reason.trim() || '…')} />}
        <p>
          <a href={`/kill?plain=yes&scope=${encodeURIComponent(chosen)}`} target="_top">
            The same as a plain form, without holding
          </a>
        </p>
      </form>
      <KillsInForce kills={value?.inForce ?? null} />
    </>
  );
}

type PickerProps = {
  readonly choices: KillChoices | null;
  readonly chosen: string;
  readonly choose: (scope: string) => void;
};

const GROUPS: readonly (readonly [KillChoice['kind'], string])[] = [
  ['fleet', 'Everything'],
  ['site', 'A site'],
  ['rollout', 'A rollout: its candidate, also where it is committed'],
  ['release', 'A release, also where it is committed'],
];

function ScopePicker({ choices, chosen, choose }: PickerProps) {
  const listed: readonly Pick<KillChoice, 'scope' | 'kind' | 'name' | 'says'>[] = choices?.choices ?? [FLEET];
  return (
    <fieldset class="scopes">
      <legend>What to kill</legend>
      {GROUPS.map(([kind, label]) => {
        const members = listed.filter((choice) => choice.kind === kind);
        if (members.length === 0) return null;
        return (
          <fieldset class="scope-group" key={kind}>
            <legend class="group-name">{label}</legend>
            {members.map(({ scope, name, says }) => (
              <label class="scope" key={scope}>
                <input type="radio" name="scope" checked={scope === chosen} onChange={() => choose(scope)} />
                <span class="name">{kind === 'fleet' ? 'The whole fleet' : name}</span>
                <small>{says}</small>
              </label>
            ))}
          </fieldset>
        );
      })}
      <OneDevice choices={choices} chosen={chosen} choose={choose} />
    </fieldset>
  );
}

function OneDevice({ choices, chosen, choose }: PickerProps) {
  const [text, setText] = useState(chosen.startsWith('device:') ? chosen.slice('device:'.length) : '');
  const take = (next: string): void => {
    setText(next);
    const scope = readKillScope(`device:${next.trim()}`);
    choose(scope === null ? 'device:' : writeKillScope(scope));
  };
  return (
    <div class="scope-group">
      <p class="group-name">One device</p>
      <label class="scope">
        <input type="radio" name="scope" checked={chosen.startsWith('device:')} onChange={() => take(text)} />
        <input
          value={text}
          list="kill-devices"
          placeholder="site/device"
          aria-label="Device, as site/device"
          autocomplete="off"
          onInput={(event) => take(event.currentTarget.value)}
        />
      </label>
      <datalist id="kill-devices">
        {choices?.devices.map((device) => (
          <option key={device} value={device} />
        ))}
      </datalist>
    </div>
  );
}
