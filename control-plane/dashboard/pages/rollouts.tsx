// Every rollout, newest first: where it stands in a sentence, and when it is decided next. Filters are in the address.
import { useLocation } from 'preact-iso';
import type { RolloutSummary } from '../../../shared/protocol/api-rollouts.ts';
import { session } from '../api.ts';
import { useResource } from '../live/resource.ts';
import { Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import '../styles/rollouts.css';
import { Paging } from './parts/paging.tsx';
import { lackOf } from './rollout/actions.ts';
import {
  countText,
  filterRollouts,
  LIST_STATES,
  listAddress,
  type Query,
  sitesOf,
  withQuery,
} from './rollout/filters.ts';
import { useServerNow } from './rollout/now.ts';
import { Chip } from './rollout/signs.tsx';
import { StartRollout } from './rollout/start.tsx';
import { clockText, hasEnded, shortRelease, signOfState, stageText } from './rollout/words.ts';

export function RolloutsPage() {
  const { path, query, route } = useLocation();
  const { value, problem, readAtMs, refresh } = useResource(listAddress(query), [{ resource: 'rollout' }]);
  const nowMs = useServerNow();
  if (value === null) return problem === null ? <p>Reading …</p> : <Trouble problem={problem} retry={refresh} />;
  const shown = filterRollouts(value.rollouts, query);
  const start = <StartRollout disabledBecause={lackOf(session.value, 'operate', [])} />;
  if (value.rollouts.length === 0 && !query.cursor && !query.state)
    return (
      <div class="rollouts">
        <h1>Rollouts</h1>
        <Empty title="No rollout yet" command="belay rollout plan FILE">
          <p>
            A rollout moves devices from the release they run to a candidate, stage by stage, and takes them back by
            itself when a guardrail breaks. Begin with a plan: it says who gets what and when, and starts nothing.
          </p>
        </Empty>
        {start}
      </div>
    );
  return (
    <div class="rollouts">
      <header class="bar">
        <h1>Rollouts</h1>
        <Filters
          sites={sitesOf(value.rollouts)}
          query={query}
          set={(change) => route(withQuery(path, query, { ...change, cursor: '' }), true)}
        />
        {start}
      </header>
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      <p class="soft">
        {countText(shown.length, value.rollouts.length, query.cursor || value.nextCursor)}, read <Age atMs={readAtMs} />{' '}
        <Cli command="belay rollout list" />
      </p>
      {shown.length === 0 ? (
        <Empty title="None of them fits the filter">
          <p>
            <a href={path}>Show all</a>
          </p>
        </Empty>
      ) : (
        <ul class="list">
          {shown.map((rollout) => (
            <Item key={rollout.id} rollout={rollout} nowMs={nowMs} />
          ))}
        </ul>
      )}
      <Paging path={path} query={query} next={value.nextCursor} />
    </div>
  );
}

type Set = (change: Query) => void;

function Filters({
  sites,
  query,
  set,
}: {
  readonly sites: readonly string[];
  readonly query: Query;
  readonly set: Set;
}) {
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        State{' '}
        <select value={query.state ?? ''} onChange={(event) => set({ state: event.currentTarget.value })}>
          <option value="">all</option>
          {LIST_STATES.map((state) => (
            <option key={state}>{state}</option>
          ))}
        </select>
      </label>
      <label>
        Site{' '}
        <select value={query.site ?? ''} onChange={(event) => set({ site: event.currentTarget.value })}>
          <option value="">all</option>
          {sites.map((site) => (
            <option key={site}>{site}</option>
          ))}
        </select>
      </label>
      <label>
        Release{' '}
        <input
          type="search"
          data-filter
          value={query.release ?? ''}
          placeholder="part of its name"
          onInput={(event) => set({ release: event.currentTarget.value })}
        />
      </label>
    </form>
  );
}

function Item({ rollout, nowMs }: { readonly rollout: RolloutSummary; readonly nowMs: number }) {
  return (
    <li class={hasEnded(rollout) ? 'item over' : 'item'}>
      <div class="what">
        <a href={`/rollouts/${rollout.id}`}>{rollout.name}</a> <Chip sign={signOfState(rollout)} />
        <span class="soft">{shortRelease(rollout.candidate.release)}</span>
      </div>
      <p>{rollout.status}</p>
      <p class="soft facts">
        <span>{stageText(rollout)}</span>
        <span>{clockText(rollout, nowMs)}</span>
        <span>{rollout.sites.join(', ')}</span>
        {rollout.owner === null ? null : <span>owner {rollout.owner}</span>}
        <span>
          started <Age atMs={rollout.createdAtMs} staleMs={Number.POSITIVE_INFINITY} />
        </span>
      </p>
    </li>
  );
}
