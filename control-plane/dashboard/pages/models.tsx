// Every registered release: which state it is in, who owns it, and on how many devices it answers.
import { useLocation } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { ReleaseSummary } from '../../../shared/protocol/api-releases.ts';
import type { VersionShare } from '../../../shared/protocol/api-status.ts';
import { useResource } from '../live/resource.ts';
import { Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import { bytesText } from './device/device-words.ts';
import { stateText } from './model/model-words.ts';
import { Paging } from './parts/paging.tsx';
import { Scroll } from './parts/parts.tsx';
import { queryText } from './parts/words.ts';

const STATES = ['registered', 'candidate', 'stable', 'archived', 'withdrawn'] as const;

export function ModelsPage() {
  const { query, route } = useLocation();
  const { name, state, cursor } = query;
  const asked = endpoint('GET /v1/releases', { limit: 100, name, state, cursor });
  const releases = useResource(asked, [{ resource: 'release' }]);
  const status = useResource(endpoint('GET /v1/status'), [{ resource: 'release' }, { resource: 'rollout' }]);
  const { value, problem, readAtMs, refresh } = releases;
  const filter = (next: Record<string, string>): void => route(`/models${queryText({ name, state, ...next })}`, true);
  return (
    <div class="rest">
      <h1>Models</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Name
          <input
            data-filter
            value={name ?? ''}
            placeholder="every model"
            onChange={(event) => filter({ name: event.currentTarget.value.trim() })}
          />
        </label>
        <label>
          State
          <select value={state ?? ''} onChange={(event) => filter({ state: event.currentTarget.value })}>
            <option value="">every state</option>
            {STATES.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <small>
          read <Age atMs={readAtMs} />
        </small>
        <Cli command={`belay release list${name === undefined ? '' : ` --name ${name}`}`} />
      </form>
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      {value === null ? (
        <p>Reading …</p>
      ) : (
        <ReleaseTable releases={value.releases} shares={status.value?.releases ?? null} />
      )}
      <Paging path="/models" query={query} next={value?.nextCursor} />
    </div>
  );
}

type TableProps = {
  readonly releases: readonly ReleaseSummary[];
  /** Null: not read yet. */
  readonly shares: readonly VersionShare[] | null;
};

function ReleaseTable({ releases, shares }: TableProps) {
  if (releases.length === 0)
    return (
      <Empty title="No release here" command="belay release add FOLDER">
        <p>A release is one immutable model version: a folder with manifest, model and golden frames.</p>
      </Empty>
    );
  return (
    <Scroll label="Releases, newest first" long>
      <thead>
        <tr>
          <th scope="col">Release</th>
          <th scope="col">State</th>
          <th scope="col" class="number">
            Answers on
          </th>
          <th scope="col" class="number">
            Committed on
          </th>
          <th scope="col">Task</th>
          <th scope="col">Owner</th>
          <th scope="col" class="number">
            Size
          </th>
          <th scope="col">Registered</th>
          <th scope="col">What is new</th>
        </tr>
      </thead>
      <tbody>
        {releases.map((release) => {
          const share = shares?.find(({ digest }) => digest === release.digest);
          return (
            <tr key={release.digest}>
              <th scope="row">
                <a href={`/models/${encodeURIComponent(release.id)}`}>{release.id}</a>
              </th>
              <td class="nowrap">
                <span class={release.state === 'withdrawn' ? 'bad' : ''}>{stateText(release.state)}</span>
              </td>
              <td class="number">{shares === null ? '–' : (share?.serving ?? 0)}</td>
              <td class="number">{shares === null ? '–' : (share?.committed ?? 0)}</td>
              <td>{release.task}</td>
              <td>{release.owner}</td>
              <td class="number">{bytesText(release.bytes)}</td>
              <td class="nowrap">
                <Age atMs={release.registeredAtMs} staleMs={Number.POSITIVE_INFINITY} />
              </td>
              <td>{release.changelog}</td>
            </tr>
          );
        })}
      </tbody>
    </Scroll>
  );
}
