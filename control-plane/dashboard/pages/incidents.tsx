// Every incident: what happened to which rollout, newest first, and how it goes on.
import { useLocation } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { IncidentSummary } from '../../../shared/protocol/api-incidents.ts';
import { useResource } from '../live/resource.ts';
import { Age, Cli, Empty, Trouble } from '../shell/kit.tsx';
import { chosen, filterOf, KIND_WORDS, standingText } from './incident/incident-words.ts';
import { Paging } from './parts/paging.tsx';
import { Scroll } from './parts/parts.tsx';
import { queryText } from './parts/words.ts';

export function IncidentsPage() {
  const { query } = useLocation();
  const filter = filterOf(query.state);
  const { rollout, cursor } = query;
  const asked = endpoint('GET /v1/incidents', { limit: 100, rollout, cursor });
  const { value, problem, readAtMs, refresh } = useResource(asked, [{ resource: 'incident' }]);
  return (
    <div class="rest">
      <h1>Incidents</h1>
      <p class="ranges">
        {(['all', 'open', 'closed'] as const).map((state) => (
          <a
            key={state}
            href={`/incidents${queryText({ rollout, state: state === 'all' ? '' : state })}`}
            aria-current={state === filter ? 'true' : undefined}
          >
            {state}
          </a>
        ))}
        <small>
          read <Age atMs={readAtMs} />
        </small>
        <Cli command={`belay incident list${rollout === undefined ? '' : ` --rollout ${rollout}`}`} />
      </p>
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      {value === null ? (
        <p>Reading …</p>
      ) : (
        <IncidentTable incidents={chosen(value.incidents, filter)} filter={filter} />
      )}
      <Paging path="/incidents" query={query} next={value?.nextCursor} />
    </div>
  );
}

function IncidentTable({
  incidents,
  filter,
}: {
  readonly incidents: readonly IncidentSummary[];
  readonly filter: string;
}) {
  if (incidents.length === 0)
    return (
      <Empty
        title={filter === 'open' ? 'No incident is open' : 'No incident yet'}
        command="belay kill --site SITE --reason drill"
      >
        <p>
          A rollout that is rolled back, held by a breach, ended or killed writes one by itself: what happened, with
          which evidence, to which devices. A drill is a good way to see one.
        </p>
      </Empty>
    );
  return (
    <Scroll label="Incidents, newest first" long>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Incident</th>
          <th scope="col">Why</th>
          <th scope="col">Candidate</th>
          <th scope="col">Opened</th>
          <th scope="col">Stands</th>
          <th scope="col">Goes on with</th>
        </tr>
      </thead>
      <tbody>
        {incidents.map((incident) => (
          <tr key={incident.id}>
            <td class="nowrap">
              <span class={incident.closedAtMs === null ? 'bad' : ''}>{KIND_WORDS[incident.kind]}</span>
            </td>
            <th scope="row">
              <a href={`/incidents/${encodeURIComponent(incident.id)}`}>{incident.id}</a>
            </th>
            <td>{incident.title}</td>
            <td class="nowrap">{incident.candidate.release}</td>
            <td class="nowrap">
              <Age atMs={incident.openedAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </td>
            <td>{standingText(incident)}</td>
            <td>{incident.rollForward?.text ?? 'no plan yet'}</td>
          </tr>
        ))}
      </tbody>
    </Scroll>
  );
}
