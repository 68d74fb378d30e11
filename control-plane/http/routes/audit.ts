// /v1/audit: who did what, whether the record is whole, all of it for keeping. Who may not see every site sees the rows of
// what lies on its sites, and what concerns the whole fleet; checking the chain tells nobody what is in it.
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import {
  auditAnchorQuerySchema,
  auditCheckSchema,
  auditListSchema,
  auditQuerySchema,
} from '../../../shared/protocol/api-status.ts';
import type { KillScope } from '../../../shared/protocol/documents.ts';
import { seesEverything } from '../../../shared/protocol/permissions.ts';
import type { Audit, AuditPage, AuditRow, ExportedRow } from '../../audit/audit.ts';
import type { Anchor } from '../../audit/chain.ts';
import { ProblemError } from '../problems.ts';
import { seenSubjects } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['audit'];
const NDJSON = 'application/x-ndjson';
/** Rows that one request looks through for those that may be seen; the next page goes on from there. */
const LOOKED_THROUGH_MAX = 20_000;
const LOOKED_AT_ONCE = 1000;

export type AuditRouteParts = { readonly audit: Audit; readonly scopeOfKill: (id: string) => KillScope | null };

export function registerAuditRoutes(app: HttpApp, parts: AuditRouteParts): void {
  registerList(app, parts);
  registerVerify(app, parts);
  registerExport(app, parts);
}

function registerList(app: HttpApp, parts: AuditRouteParts): void {
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: TAGS,
        summary: 'Who did what, newest first; by actor, action, subject and time',
        querystring: auditQuerySchema,
        response: { 200: auditListSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => {
      const { rows, nextBeforeSeq } = await listSeen(parts, request, request.query);
      return { rows: rows.map((row) => ({ ...row })), nextBeforeSeq };
    },
  );
}

type Listed = { readonly rows: readonly AuditRow[]; readonly nextBeforeSeq: number | null };

async function listSeen(parts: AuditRouteParts, request: FastifyRequest, page: AuditPage): Promise<Listed> {
  if (seesEverything(request.identity)) {
    const rows = await parts.audit.list(page);
    return { rows, nextBeforeSeq: rows.length < page.limit ? null : cursorOf(rows) };
  }
  const isSeen = await seenSubjects(request, parts.scopeOfKill);
  const rows: AuditRow[] = [];
  let looked: readonly AuditRow[] = [];
  for (let count = 0; count < LOOKED_THROUGH_MAX; count += looked.length) {
    const beforeSeq = looked.at(-1)?.seq ?? page.beforeSeq;
    looked = await parts.audit.list({ ...page, beforeSeq, limit: LOOKED_AT_ONCE });
    rows.push(...looked.filter(({ subject }) => isSeen(subject)));
    const found = rows.slice(0, page.limit);
    if (rows.length >= page.limit) return { rows: found, nextBeforeSeq: cursorOf(found) };
    if (looked.length < LOOKED_AT_ONCE) return { rows, nextBeforeSeq: null };
  }
  return { rows, nextBeforeSeq: cursorOf(looked) };
}

function cursorOf(rows: readonly AuditRow[]): number | null {
  const last = rows.at(-1)?.seq ?? 1;
  return last > 1 ? last : null;
}

function registerVerify(app: HttpApp, { audit }: AuditRouteParts): void {
  app.get(
    '/v1/audit/verify',
    {
      schema: {
        tags: TAGS,
        summary:
          'Whether the audit is whole; with an anchor that was noted outside, also whether its end is still there',
        querystring: auditAnchorQuerySchema,
        response: { 200: auditCheckSchema },
      },
      config: { needs: 'view' },
    },
    async ({ query: { anchorSeq, anchorHash } }) => {
      const isAnchored = anchorSeq !== undefined && anchorHash !== undefined;
      return audit.verify(isAnchored ? { seq: anchorSeq, hash: anchorHash } : null);
    },
  );
}

function registerExport(app: HttpApp, { audit }: AuditRouteParts): void {
  app.get(
    '/v1/audit/export',
    {
      schema: { tags: TAGS, summary: 'Every row, oldest first, one JSON object a line; the last line is the head' },
      config: { needs: 'view', scope: 'everywhere', problems: ['not-found'], sends: { 200: NDJSON } },
    },
    async (_request, reply) => {
      const head = await audit.head();
      if (head === null) throw new ProblemError('not-found', 'nothing is on record yet');
      return reply
        .header('content-type', `${NDJSON}; charset=utf-8`)
        .header('x-belay-audit-head', `${head.seq}:${head.hash}`)
        .send(Readable.from(exportLines(audit, head)));
    },
  );
}

async function* exportLines(audit: Audit, head: Anchor): AsyncGenerator<string> {
  for await (const rows of audit.export(head.seq))
    yield rows.map((row) => `${JSON.stringify(exported(row))}\n`).join('');
  yield `${JSON.stringify({ kind: 'head', ...head })}\n`;
}

/** `details` as text: it is what the hash is made of. */
function exported({ at_ms: atMs, previous_hash: previousHash, hash, ...row }: ExportedRow) {
  const { seq, ...rest } = row;
  return { seq, atMs, ...rest, previousHash, hash };
}
