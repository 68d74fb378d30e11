// What was decided, by whom, when and why; newest first, with the incident where there is one.
import { endpoint } from '../../../../shared/protocol/address.ts';
import { useResource } from '../../live/resource.ts';
import { Cli } from '../../shell/kit.tsx';
import type { Parts } from './parts.ts';
import { momentText } from './words.ts';

export function Timeline({ view }: Pick<Parts, 'view'>) {
  const incidents = useResource(endpoint('GET /v1/incidents', { rollout: view.id }), [
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
        <a href={endpoint('GET /v1/rollouts/:id/report', { id: view.id, format: 'html' }).path}>Report</a>
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
