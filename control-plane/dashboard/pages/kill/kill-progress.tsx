// One kill as it goes out: sent, acknowledged, reverted, with measured times and names; and the harder way back.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { KillProgress } from '../../../../shared/protocol/api-kill-page.ts';
import { ApiProblem, ask } from '../../api.ts';
import { Action, Age, Cli, Trouble } from '../../shell/kit.tsx';
import { acknowledgedShare, millisecondsText, pollMs, progressText, scopeTitle } from './kill-words.ts';
import { usePoll } from './use-poll.ts';

export function KillProgressView({ id }: { readonly id: string }) {
  const { value, problem, readAtMs } = usePoll(endpoint('GET /v1/kills/:id/progress', { id }), pollMs);
  if (value === null) return problem === null ? <p>Reading kill {id} …</p> : <Trouble problem={problem} />;
  return (
    <>
      <p class="crumbs">
        <a href="/kill">Kill switch</a> / {value.id}
      </p>
      <h1>
        {value.active ? 'Killed' : 'Was killed'}: {scopeTitle(value.scope)}
      </h1>
      <p class="lead">
        {value.reason}{' '}
        <small>
          {value.actor}, <Age atMs={value.raisedAtMs} staleMs={Number.POSITIVE_INFINITY} />
        </small>
      </p>
      {problem === null ? null : <Trouble problem={problem} />}
      {value.fault === null ? null : (
        <p class="trouble" role="alert">
          {value.fault}
        </p>
      )}
      <Counts kill={value} />
      <p class="verdict" aria-live="assertive">
        {progressText(value)}
      </p>
      <p>
        Read <Age atMs={readAtMs} staleMs={15_000} />
      </p>
      {value.leavesAlone === null ? null : <p>{value.leavesAlone}</p>}
      <Names title="Online and not acknowledged" list={value.stragglers} count={value.stragglerCount} />
      <Names title="Offline; they obey before their first frame" list={value.offline} count={value.offlineCount} />
      <Rearm kill={value} />
    </>
  );
}

function Counts({ kill }: { readonly kill: KillProgress }) {
  const share = acknowledgedShare(kill);
  return (
    <section class="kill-counts" aria-label="Measured">
      <dl>
        <Figure word="sent" value={kill.sent} />
        <Figure word="acknowledged" value={kill.acknowledged} />
        <Figure word="reverted" value={kill.reverted} />
        <Figure word="not yet" value={kill.stragglerCount} />
        <Figure word="offline" value={kill.offlineCount} />
      </dl>
      <progress max={1} value={share} aria-label="Acknowledged of those that can be reached">
        {Math.round(share * 100)} %
      </progress>
      <dl class="times">
        <Figure word="p50" value={millisecondsText(kill.p50Ms)} />
        <Figure word="p95" value={millisecondsText(kill.p95Ms)} />
        <Figure word="max" value={millisecondsText(kill.maxMs)} />
      </dl>
      <small>
        Times from sending to the acknowledgement, over devices that were online. Reverted: were answering with it.
      </small>
    </section>
  );
}

function Figure({ word, value }: { readonly word: string; readonly value: number | string }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{value}</dd>
    </div>
  );
}

type NamesProps = {
  readonly title: string;
  readonly list: KillProgress['offline'];
  readonly count: number;
};

function Names({ title, list, count }: NamesProps) {
  if (count === 0) return null;
  return (
    <section>
      <h2>
        {title} ({count})
      </h2>
      <ul class="names">
        {list.map(({ site, device }) => (
          <li key={`${site}/${device}`}>
            <a href={`/devices/${site}/${device}`}>
              {site}/{device}
            </a>
          </li>
        ))}
        {count > list.length ? <li>and {count - list.length} more</li> : null}
      </ul>
    </section>
  );
}

function Rearm({ kill }: { readonly kill: KillProgress }) {
  const [typed, setTyped] = useState('');
  if (!kill.active) return null;
  const run = async (reason: string): Promise<void> => {
    if (typed.trim() !== kill.id)
      throw new ApiProblem(422, { title: 'It stays in force', detail: `Type ${kill.id} to confirm.` });
    await ask(endpoint('POST /v1/kills/:id/rearm', { id: kill.id }), { reason });
  };
  return (
    <section>
      <h2>Re-arm</h2>
      <p>{kill.comesBack}</p>
      <Action
        word="Re-arm …"
        says={`End the kill of ${scopeTitle(kill.scope)}`}
        command={`belay rearm ${kill.id} --reason REASON`}
        disabledBecause={null}
        run={run}
      >
        <p>
          <strong>{kill.comesBack}</strong>
        </p>
        <label>
          <span>
            Type <b>{kill.id}</b> to confirm
          </span>
          <input value={typed} required autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      </Action>
      <p>
        <Cli command={`belay kills`} />
      </p>
    </section>
  );
}
