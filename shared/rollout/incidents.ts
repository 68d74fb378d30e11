// Guardrails on incidents: what takes the place of their expression, and which events of a device count as which incident.
import type { EventKind } from '../protocol/reports.ts';
import type { Expression } from './expression.ts';

export type IncidentKind = 'oom' | 'crash' | 'watchdog' | 'revert';

/** Stands where an expression would; not part of the language. */
export const INCIDENT_TEXT = '(incidents)';

export const INCIDENT_EXPRESSION: Expression = {
  aggregate: 'rate',
  metric: 'incidents',
  class: null,
  size: null,
  comparison: { kind: 'ratio', relation: '<=', value: 1, unit: 'x' },
  forMs: 0,
};

/**
 * The events that devices send for it. A runner that ends by itself, for want of memory or because it hung is told as one kind,
 * `crash`: each of the three words counts it.
 */
export const INCIDENT_EVENTS: Readonly<Record<IncidentKind, readonly EventKind[]>> = {
  oom: ['crash'],
  crash: ['crash'],
  watchdog: ['crash'],
  revert: ['reverted', 'quarantined'],
};
