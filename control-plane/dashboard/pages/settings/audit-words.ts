// What the audit page asks and says.
import type { z } from 'zod';
import type { auditCheckSchema, auditRowSchema } from '../../../../shared/protocol/api-status.ts';
import type { ValuesOf } from '../../../../shared/protocol/endpoints.ts';

export type AuditRow = z.infer<typeof auditRowSchema>;
export type AuditCheck = z.infer<typeof auditCheckSchema>;

const PAGE_ROWS = 100;

export const FILTERS = [
  { name: 'actor', label: 'Who', placeholder: 'anybody' },
  { name: 'action', label: 'Did', placeholder: 'anything' },
  { name: 'subject', label: 'To', placeholder: 'device/plant-a' },
  { name: 'from', label: 'From (UTC)', placeholder: '2026-01-31T06:00' },
  { name: 'to', label: 'Until (UTC)', placeholder: '2026-02-01' },
] as const;

/** The query of the page as the question to the API. Times that cannot be read are left out. */
export function auditQuery(query: Readonly<Record<string, string | undefined>>): ValuesOf<'GET /v1/audit'> {
  const { actor, action, subject, before } = query;
  return {
    limit: PAGE_ROWS,
    beforeSeq: before,
    actor,
    action,
    subject,
    fromMs: timeOf(query.from),
    toMs: timeOf(query.to),
  };
}

/** The same on the command line. */
export function auditCommand({
  actor,
  action,
  subject,
  from,
  to,
}: Readonly<Record<string, string | undefined>>): string {
  const asked = { by: actor, action, subject, from, to };
  const flags = Object.entries(asked).flatMap(([name, text]) => (text ? [`--${name} ${inShell(text)}`] : []));
  return ['belay audit list', ...flags].join(' ');
}

function inShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Without a zone it is UTC. */
function timeOf(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const isZoned = /(Z|[+-]\d\d:?\d\d)$/.test(text);
  const atMs = Date.parse(isZoned ? text : text.includes('T') ? `${text}Z` : `${text}T00:00Z`);
  return Number.isFinite(atMs) && atMs >= 0 ? String(atMs) : undefined;
}

export function checkText(check: AuditCheck): string {
  return check.kind === 'intact'
    ? `✓ The chain is whole: ${check.rows} rows, head ${check.head.slice(0, 12)}.`
    : `✕ The chain is broken at row ${check.seq}: ${check.reason}. Keep the data folder as it is, and compare with an export.`;
}

export function detailsText({ details, hash }: AuditRow): string {
  return `${JSON.stringify(details, null, 2)}\nhash ${hash}`;
}
