// One release: its card, contract, lineage and files, where it answers, what rollouts made of it; and another one beside it.
import { Fragment } from 'preact';
import { useLocation, useRoute } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { Release } from '../../../shared/protocol/api-releases.ts';
import { ask } from '../api.ts';
import { snapshot } from '../live/live.ts';
import { useResource } from '../live/resource.ts';
import { Action, Age, Cli, Trouble } from '../shell/kit.tsx';
import { type ComparedRow, cardRows, compareCards, runningWhere, stateActs, stateText } from './model/model-words.ts';
import { Panel, Scroll } from './parts/parts.tsx';
import { countText, queryText, timeText } from './parts/words.ts';

export function ModelPage() {
  const reference = useRoute().params.reference ?? '';
  const { query, route } = useLocation();
  const release = useResource(endpoint('GET /v1/releases/:reference', { reference }), [{ resource: 'release' }]);
  const other = useResource(query.with ? endpoint('GET /v1/releases/:reference', { reference: query.with }) : null);
  const all = useResource(endpoint('GET /v1/releases'), [{ resource: 'release' }]);
  const { value, problem, refresh } = release;
  if (value === null)
    return problem === null ? <p>Reading {reference} …</p> : <Trouble problem={problem} retry={refresh} />;
  const compareWith = (id: string): void =>
    route(`/models/${encodeURIComponent(reference)}${queryText({ with: id })}`, true);
  return (
    <div class="rest">
      <p class="crumbs">
        <a href="/models">Models</a> / {value.name}
      </p>
      <h1>
        {value.id} <small class={value.state === 'withdrawn' ? 'chip bad' : 'chip'}>{stateText(value.state)}</small>
      </h1>
      <p class="verdict">{value.changelog}</p>
      <Actions release={value} refresh={refresh} />
      <div class="columns">
        <Running release={value} />
        <Panel title="What became of it">
          <Outcomes release={value} />
        </Panel>
        <Panel title="Card" wide>
          <label class="compare">
            Compare with{' '}
            <select value={query.with ?? ''} onChange={(event) => compareWith(event.currentTarget.value)}>
              <option value="">nothing</option>
              {all.value?.releases
                .filter(({ digest }) => digest !== value.digest)
                .map(({ id }) => (
                  <option key={id} value={id}>
                    {id}
                  </option>
                ))}
            </select>
          </label>
          {other.problem === null ? null : <Trouble problem={other.problem} retry={other.refresh} />}
          <Card release={value} other={query.with ? other.value : null} />
        </Panel>
        <Panel title="In the words of its model card" wide>
          {value.card === null || value.card.text.trim() === '' ? (
            <p>It was registered without a README.md: put one beside its manifest.json to say what it is for.</p>
          ) : (
            <pre class="words">{value.card.text.trim()}</pre>
          )}
        </Panel>
      </div>
    </div>
  );
}

function Actions({ release, refresh }: { readonly release: Release; readonly refresh: () => void }) {
  const stateOf = endpoint('POST /v1/releases/:digest/state', { digest: release.digest });
  return (
    <div class="actions">
      {stateActs(release).map(({ state, word, verb, says }) => (
        <Action
          key={state}
          word={word}
          says={says}
          command={`belay release ${verb} ${release.id} --reason REASON`}
          disabledBecause={null}
          run={(reason) => ask(stateOf, { state, reason }).then(refresh)}
        />
      ))}
      <a class="button bad" href={`/kill?scope=${encodeURIComponent(`release:${release.id}`)}`}>
        Kill it everywhere …
      </a>
      <a href={endpoint('GET /v1/releases/:reference/report', { reference: release.digest, format: 'html' }).path}>
        Report
      </a>
      <Cli command={`belay release get ${release.id}`} />
    </div>
  );
}

function Running({ release }: { readonly release: Release }) {
  const status = useResource(endpoint('GET /v1/status'), [{ resource: 'release' }, { resource: 'rollout' }]);
  const share = status.value?.releases.find(({ digest }) => digest === release.digest);
  const rows = runningWhere(snapshot.value?.devices ?? [], release.id);
  return (
    <Panel title="Where it runs">
      <p>
        Answers on {countText(share?.serving ?? 0, 'device')}, committed on {countText(share?.committed ?? 0, 'device')}
        ; counted <Age atMs={status.readAtMs} />.
      </p>
      <ul class="plain-list">
        {rows.map(({ site, devices, onTrial }) => (
          <li key={site}>
            <b>{site}</b>: {countText(devices, 'device')}
            {onTrial === 0 ? '' : `, ${onTrial} of them on trial`}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Outcomes({ release }: { readonly release: Release }) {
  if (release.notes.length === 0) return <p>No rollout has used it yet.</p>;
  return (
    <ul class="plain-list">
      {release.notes.map(({ atMs, actor, kind, text, rolloutId }) => (
        <li key={atMs + kind}>
          <b>{kind}</b> {text}{' '}
          <small>
            ({actor}, {timeText(atMs)}
            {rolloutId === null ? null : (
              <>
                , <a href={`/rollouts/${encodeURIComponent(rolloutId)}`}>rollout</a>
              </>
            )}
            )
          </small>
        </li>
      ))}
    </ul>
  );
}

function Card({ release, other }: { readonly release: Release; readonly other: Release | null }) {
  const rows = compareCards(cardRows(release), other === null ? [] : cardRows(other));
  return (
    <Scroll label={other === null ? 'Card' : `Card beside ${other.id}`}>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">{release.id}</th>
          {other === null ? null : <th scope="col">{other.id}</th>}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <Fragment key={row.group + row.name}>
            {rows[at - 1]?.group === row.group ? null : <GroupRow group={row.group} columns={other === null ? 2 : 3} />}
            <CardLine row={row} isCompared={other !== null} />
          </Fragment>
        ))}
      </tbody>
    </Scroll>
  );
}

function CardLine({ row, isCompared }: { readonly row: ComparedRow; readonly isCompared: boolean }) {
  const { name, left, right, differs } = row;
  return (
    <tr class={isCompared && differs ? 'differs' : ''}>
      <th scope="row">
        {isCompared && differs ? '≠ ' : ''}
        {name}
      </th>
      <td>{left ?? '–'}</td>
      {isCompared ? <td>{right ?? '–'}</td> : null}
    </tr>
  );
}

function GroupRow({ group, columns }: { readonly group: string; readonly columns: number }) {
  return (
    <tr>
      <th scope="rowgroup" colSpan={columns}>
        <b class="group">{group}</b>
      </th>
    </tr>
  );
}
