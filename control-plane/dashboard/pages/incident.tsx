// One incident: what was decided on which evidence, what became of the devices, who did what, and how it goes on.
import { useRoute } from 'preact-iso';
import '../styles/rest.css';
import { endpoint } from '../../../shared/protocol/address.ts';
import type { Incident } from '../../../shared/protocol/api-incidents.ts';
import { useResource } from '../live/resource.ts';
import { Age, Cli, Trouble } from '../shell/kit.tsx';
import { IncidentDevices, IncidentTelemetry, IncidentVerdicts } from './incident/incident-evidence.tsx';
import { IncidentNotes } from './incident/incident-notes.tsx';
import { KIND_WORDS, standingText } from './incident/incident-words.ts';
import { Facts, Panel, Scroll } from './parts/parts.tsx';
import { timeText } from './parts/words.ts';

export function IncidentPage() {
  const { id = '' } = useRoute().params;
  const { value, problem, readAtMs, refresh } = useResource(endpoint('GET /v1/incidents/:id', { id }), [
    { resource: 'incident' },
  ]);
  if (value === null) return problem === null ? <p>Reading {id} …</p> : <Trouble problem={problem} retry={refresh} />;
  return (
    <div class="rest">
      <p class="crumbs">
        <a href="/incidents">Incidents</a> / {value.id}
      </p>
      <h1>
        {KIND_WORDS[value.kind]}: {value.candidate.release}{' '}
        <small class={value.closedAtMs === null ? 'chip bad' : 'chip'}>
          {value.closedAtMs === null ? '● open' : '○ closed'}, opened{' '}
          <Age atMs={value.openedAtMs} staleMs={Number.POSITIVE_INFINITY} />
        </small>
      </h1>
      <p class="verdict" aria-live="polite">
        {value.title}
      </p>
      <Exports incident={value} readAtMs={readAtMs} />
      {problem === null ? null : <Trouble problem={problem} retry={refresh} />}
      <div class="columns">
        <Panel title="What it is">
          <Facts facts={factsOf(value)} empty="" />
        </Panel>
        <Panel title="How it goes on">
          <IncidentNotes incident={value} refresh={refresh} />
        </Panel>
        <Panel title="Evidence: verdicts at the decision" wide>
          <IncidentVerdicts verdicts={value.verdicts} />
        </Panel>
        <Panel title="Timeline" wide>
          <Timeline incident={value} />
        </Panel>
        <Panel title="Telemetry then" wide>
          <IncidentTelemetry rows={value.telemetry} />
        </Panel>
        <Panel title="Devices" wide>
          <IncidentDevices incident={value} />
        </Panel>
        <Panel title="Who did what" wide>
          <People incident={value} />
        </Panel>
      </div>
    </div>
  );
}

type ExportsProps = { readonly incident: Incident; readonly readAtMs: number | null };

function Exports({ incident, readAtMs }: ExportsProps) {
  const exported = (format: string) => endpoint('GET /v1/incidents/:id/export', { id: incident.id, format }).path;
  return (
    <div class="actions">
      <span>
        Export:{' '}
        <a href={exported('html')} target="_blank" rel="noreferrer">
          HTML
        </a>{' '}
        <a href={exported('md')} download={`${incident.id}.md`}>
          Markdown
        </a>{' '}
        <a href={exported('json')} download={`${incident.id}.json`}>
          JSON
        </a>
      </span>
      <Cli command={`belay incident export ${incident.id}`} />
      <small>
        read <Age atMs={readAtMs} />
      </small>
    </div>
  );
}

function factsOf(incident: Incident) {
  const { rolloutId, rolloutName, state, stage, decision, owners, baselines, verification } = incident;
  return [
    ['Rollout', <a href={`/rollouts/${encodeURIComponent(rolloutId)}`}>{rolloutName}</a>],
    ['State', `${state.replaceAll('_', ' ')}, stage ${stage}`],
    ['Stands', standingText(incident)],
    ['Goes back to', baselines.map(({ release }) => release).join(', ') || 'nothing known'],
    ['Decided by', `${decision.actor}, rule ${decision.rule} (decision ${decision.seq})`],
    ['Verification', verification?.sentence ?? 'none yet'],
    ['Owners', `${owners.primary}, backup ${owners.backup}`],
    [
      'Reproduce',
      `file ${incident.fileHash.slice(0, 12)}, plan ${incident.planHash.slice(0, 12)}, statistics ${incident.statisticsVersion}`,
    ],
  ] as const;
}

const MARKS: Readonly<Record<Incident['timeline'][number]['what'], string>> = {
  decision: '◆ decision',
  device: '▪ device',
  kill: '■ kill',
  verification: '✓ verification',
  return: '↩ return',
  note: '✎ note',
};

function Timeline({ incident }: { readonly incident: Incident }) {
  if (incident.timeline.length === 0) return <p>Nothing is on record.</p>;
  return (
    <>
      <Scroll label="Timeline">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">Who</th>
            <th scope="col">In words</th>
          </tr>
        </thead>
        <tbody>
          {incident.timeline.map(({ atMs, what, actor, text }, index) => (
            <tr key={index}>
              <td class="nowrap">{timeText(atMs)}</td>
              <td class="nowrap">{MARKS[what]}</td>
              <td class="nowrap">{actor}</td>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </Scroll>
      {incident.timelineOmitted === 0 ? null : <p>{incident.timelineOmitted} later entries are left out here.</p>}
    </>
  );
}

function People({ incident }: { readonly incident: Incident }) {
  if (incident.people.length === 0) return <p>Belay decided alone; no person acted.</p>;
  return (
    <ul class="plain-list">
      {incident.people.flatMap(({ actor, did }) =>
        did.map((deed) => (
          <li key={actor + deed}>
            <b>{actor}</b>: {deed}
          </li>
        )),
      )}
    </ul>
  );
}
