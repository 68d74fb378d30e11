// What was decided, by whom, when and why; newest first, with the incident where there is one.
import type { IncidentSummary } from '../../../../shared/protocol/api-incidents.ts';
import { useResource } from '../../live/resource.ts';
import { Cli } from '../../shell/kit.tsx';
import type { Parts } from './parts.ts';
import { momentText } from './words.ts';

type Incidents = { readonly incidents: readonly IncidentSummary[] };

export function Timeline({ view }: Pick<Parts, 'view'>) {
  const incidents = useResource<Incidents>(`/v1/incidents?rollout=${encodeURIComponent(view.id)}`, [
    { resource: 'incident' },
    { resource: 'rollout', id: view.id },
  ]);
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Decisions</h2>
      <p class="facts">
        {(incidents.value?.incidents ?? []).map((incident) => (
          <a key={incident.id} href={`/incidents/${encodeURIComponent(incident.id)}`}>
            Incident: {incident.kind}, {incident.closedAtMs === null ? 'open' : 'closed'}
          </a>
        ))}
        <a href={`/v1/rollouts/${view.id}/report?format=html`}>Report</a>
        <Cli command={`belay rollout report ${view.id}`} />
      </p>
      <ol class="timeline">
        {view.decisions.map((decision) => (
          <li key={decision.seq}>
            <time dateTime={new Date(decision.atMs).toISOString()}>{momentText(decision.atMs)}</time>
            <div>
              <strong>{decision.kind}</strong> by{' '}
              {decision.actor === 'belay' ? `Belay (${decision.rule})` : decision.actor}
              <span class="soft">
                {' '}
                stage {decision.stage}, revision {decision.revision}
                {decision.fromState === decision.toState ? '' : `, ${decision.fromState} → ${decision.toState}`}
              </span>
              <p>{decision.reason}</p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
