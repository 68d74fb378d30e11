// What the incident pages say: kinds, verdicts and outcomes in words.
import type { Incident, IncidentSummary, TelemetryRow } from '../../../../shared/protocol/api-incidents.ts';
import type { Verdict } from '../../../../shared/rollout/verdict.ts';
import { numberText } from '../parts/words.ts';

export const KIND_WORDS: Readonly<Record<IncidentSummary['kind'], string>> = {
  held: '⏸ held',
  killed: '■ killed',
  'rolled-back': '↩ rolled back',
  aborted: '✕ ended',
};

export const ARM_WORDS: Readonly<Record<TelemetryRow['arm'], string>> = {
  before: 'baseline before',
  meanwhile: 'baseline since',
  candidate: 'candidate',
  shadow: 'candidate in the shadow',
};

export const VERDICT_WORDS: Readonly<Record<Verdict['verdict'], string>> = {
  pass: '✓ pass',
  breach: '✕ breach',
  inconclusive: '… inconclusive',
  'no-data': '? no data',
};

export const VERDICT_TONES: Readonly<Record<Verdict['verdict'], string>> = {
  pass: 'good',
  breach: 'bad',
  inconclusive: 'warn',
  'no-data': 'warn',
};

const STATES = ['open', 'closed', 'all'] as const;
export type IncidentFilter = (typeof STATES)[number];

export function filterOf(text: string | undefined): IncidentFilter {
  return STATES.find((state) => state === text) ?? 'all';
}

export function chosen(incidents: readonly IncidentSummary[], filter: IncidentFilter): readonly IncidentSummary[] {
  if (filter === 'all') return incidents;
  return incidents.filter(({ closedAtMs }) => (closedAtMs === null) === (filter === 'open'));
}

/** `+12.3 %, plausibly 4.1 … 20.9`. */
export function evidenceText({ estimate, low, high, unit }: Verdict): string {
  if (estimate === null) return 'no evidence';
  const range = low === null || high === null ? '' : `, plausibly ${numberText(low)} … ${numberText(high)}`;
  return `${numberText(estimate, unit)}${range}`;
}

/** Those that had the candidate first; the others only counted. */
export function touchedDevices({ devices }: Pick<Incident, 'devices'>) {
  const touched = devices.filter(({ role }) => role !== 'none');
  return { touched, restCount: devices.length - touched.length };
}

export function standingText({ closedAtMs, closedBecause }: IncidentSummary): string {
  return closedAtMs === null ? 'open' : `closed: ${closedBecause ?? 'no reason is on record'}`;
}
