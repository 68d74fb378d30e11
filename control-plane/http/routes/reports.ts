// Reports of a rollout and of a release, as JSON, Markdown or one self-contained HTML file. Translation only.
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import {
  archiveSchema,
  type ReportFormat,
  releaseReportSchema,
  reportQuerySchema,
  rolloutReportSchema,
} from '../../../shared/protocol/api-reports.ts';
import { rolloutPathSchema } from '../../../shared/protocol/api-rollouts.ts';
import type { Registry } from '../../registry/registry.ts';
import { toHtml, toMarkdown, type WrittenDocument } from '../../reports/document.ts';
import { releaseDocument, rolloutDocument } from '../../reports/report-document.ts';
import type { Reports } from '../../reports/reports.ts';
import type { Rollouts } from '../../rollouts/rollouts.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { findRelease } from './releases.ts';

const TAGS = ['reports'];
const referencePathSchema = z.looseObject({ reference: z.string().min(1).max(200) });

export type ReportRouteParts = {
  readonly reports: Reports;
  readonly registry: Registry;
  readonly archiveOf: Rollouts['archive'];
};

export function registerReportRoutes(app: HttpApp, { reports, registry, archiveOf }: ReportRouteParts): void {
  app.get(
    '/v1/rollouts/:id/report',
    {
      schema: {
        tags: TAGS,
        summary: 'What a rollout has shown: guardrails by site and hardware, timeline, incidents; ?format=md|html|json',
        params: rolloutPathSchema,
        querystring: reportQuerySchema,
        response: { 200: rolloutReportSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params, query }, reply) => {
      const report = await reports.ofRollout(params.id);
      if (report === null) throw new ProblemError('not-found', `no rollout is called "${params.id}"`);
      if (query.format === 'json') return report;
      return sendWritten(reply, query.format, rolloutDocument(report));
    },
  );
  app.get(
    '/v1/rollouts/:id/archive',
    {
      schema: {
        tags: TAGS,
        summary: 'What its file asked to keep (after.archive), made when it ended',
        params: rolloutPathSchema,
        response: { 200: archiveSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => {
      const archives = await archiveOf(params.id);
      if (archives === null) throw new ProblemError('not-found', `no rollout is called "${params.id}"`);
      return { archives: [...archives] };
    },
  );
  app.get(
    '/v1/releases/:reference/report',
    {
      schema: {
        tags: TAGS,
        summary: 'What all rollouts of a release have shown; ?format=md|html|json',
        params: referencePathSchema,
        querystring: reportQuerySchema,
        response: { 200: releaseReportSchema },
      },
      config: { needs: 'view', scope: 'everywhere', problems: ['not-found', 'ambiguous-reference'] },
    },
    async ({ params, query }, reply) => {
      const report = await reports.ofRelease(await findRelease(registry, params.reference));
      if (query.format === 'json') return report;
      return sendWritten(reply, query.format, releaseDocument(report));
    },
  );
}

/** Text bypasses the JSON of the declared answer. */
function sendWritten(reply: FastifyReply, format: Exclude<ReportFormat, 'json'>, document: WrittenDocument) {
  const type = format === 'md' ? 'text/markdown; charset=utf-8' : 'text/html; charset=utf-8';
  reply.serializer(String);
  return reply
    .header('content-type', type)
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
    .send(format === 'md' ? toMarkdown(document) : toHtml(document));
}
