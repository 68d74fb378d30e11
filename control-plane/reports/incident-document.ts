// The incident note as a document: what happened, evidence, figures, devices, people, and how it goes on.
import type { Incident, TelemetryRow } from '../../shared/protocol/api-incidents.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { heading, listOr, type Part, tableOr, type WrittenDocument } from './document.ts';
import { count, figure, number, range, time } from './words.ts';

const KIND_WORDS: Readonly<Record<Incident['kind'], string>> = {
  held: 'held',
  killed: 'killed',
  'rolled-back': 'rolled back',
  aborted: 'ended',
};

export function incidentDocument(incident: Incident): WrittenDocument {
  const title = `Incident ${incident.id}: ${incident.candidate.release} ${KIND_WORDS[incident.kind]}`;
  return {
    title,
    parts: [
      heading(1, title),
      { kind: 'text', text: incident.title },
      factsOf(incident),
      heading(2, 'Roll forward'),
      { kind: 'text', text: rollForwardOf(incident) },
      heading(2, 'Timeline'),
      tableOr(
        'Nothing is on record.',
        ['When', 'Who', 'What'],
        incident.timeline.map(({ atMs, actor, text }) => [time(atMs), actor, text]),
      ),
      ...(incident.timelineOmitted === 0
        ? []
        : [{ kind: 'text', text: `${incident.timelineOmitted} later entries are left out here.` } satisfies Part]),
      heading(2, 'Verdicts at the decision'),
      verdictTable(incident.verdicts),
      heading(2, 'Telemetry'),
      telemetryOf(incident.telemetry),
      heading(2, 'Devices'),
      ...devicesOf(incident),
      heading(2, 'Who did what'),
      listOr(
        'Belay decided alone; no person acted.',
        incident.people.flatMap(({ actor, did }) => did.map((deed) => `${actor}: ${deed}`)),
      ),
      heading(2, 'Notes'),
      listOr(
        'None.',
        incident.notes.map(({ atMs, actor, text }) => `${time(atMs)} ${actor}: ${text}`),
      ),
    ],
  };
}

function factsOf(incident: Incident): Part {
  const { decision, owners, baselines, verification } = incident;
  return {
    kind: 'facts',
    facts: [
      [
        'Rollout',
        `${incident.rolloutName} (${incident.rolloutId}), ${incident.state.replaceAll('_', ' ')}, stage ${incident.stage}`,
      ],
      ['Candidate', `${incident.candidate.release}, digest ${incident.candidate.digest}`],
      ['Goes back to', baselines.map(({ release }) => release).join(', ') || 'nothing known'],
      ['Opened', time(incident.openedAtMs)],
      [
        'Closed',
        incident.closedAtMs === null ? 'still open' : `${time(incident.closedAtMs)}: ${incident.closedBecause ?? ''}`,
      ],
      ['Decided by', `${decision.actor}, rule ${decision.rule} (decision ${decision.seq})`],
      [
        'Verification',
        verification?.sentence ?? (incident.state === 'rolling_back' ? 'none yet' : 'nothing was rolled back'),
      ],
      ['Owners', `${owners.primary}, backup ${owners.backup}`],
      ['Reproduce', `file ${incident.fileHash}, plan ${incident.planHash}, statistics ${incident.statisticsVersion}`],
    ],
  };
}

function rollForwardOf({ rollForward, id }: Incident): string {
  if (rollForward === null) return `No plan yet. Next: belay incident annotate ${id} --roll-forward "…"`;
  return `${rollForward.text} (${rollForward.actor}, ${time(rollForward.atMs)})`;
}

export function verdictTable(verdicts: readonly Verdict[]): Part {
  return tableOr(
    'No guardrail had been judged.',
    ['Guardrail', 'Limit', 'Estimate', 'Plausible range', 'Devices', 'Controls', 'Count', 'Verdict', 'In words'],
    verdicts.map((verdict) => [
      verdict.title,
      verdict.limitText,
      figure(verdict, verdict.estimate),
      range(verdict),
      String(verdict.n),
      String(verdict.controls),
      String(verdict.count),
      verdict.verdict,
      verdict.sentence,
    ]),
  );
}

const ARM_WORDS: Readonly<Record<TelemetryRow['arm'], string>> = {
  before: 'baseline before',
  meanwhile: 'baseline since',
  candidate: 'candidate',
  shadow: 'candidate in the shadow',
};

function telemetryOf(rows: Incident['telemetry']): Part {
  return tableOr(
    rows === null ? 'Not taken yet.' : 'No device has sent a window.',
    [
      'Site',
      'Hardware',
      'Release',
      'Devices',
      'Frames',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      'FPS',
      'Errors',
      'Windows left out',
    ],
    (rows ?? []).map((row) => [
      row.site,
      row.hardwareClass,
      ARM_WORDS[row.arm],
      String(row.devices),
      String(row.frames),
      number(row.p50Ms),
      number(row.p95Ms),
      number(row.p99Ms),
      number(row.fps),
      String(row.errors),
      String(row.excluded),
    ]),
  );
}

/** Those that were touched by name; the rest as a number. */
function devicesOf({ devices }: Incident): readonly Part[] {
  const touched = devices.filter(({ role }) => role !== 'none');
  const rest = devices.length - touched.length;
  const table = tableOr(
    'No device had the candidate.',
    ['Device', 'Hardware', 'Stage', 'Had it since', 'What became of it'],
    touched.map((device) => [
      `${device.site}/${device.device}`,
      device.hardwareClass,
      device.stage ?? '–',
      device.activatedAtMs === null ? '–' : time(device.activatedAtMs),
      device.outcome,
    ]),
  );
  return rest === 0 ? [table] : [table, { kind: 'text', text: `Stayed on its own release: ${count(rest, 'device')}.` }];
}
