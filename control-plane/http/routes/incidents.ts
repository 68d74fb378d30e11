// /v1/incidents: list, read, annotate, export. Translation only; incidents are opened by decisions.
import {
  annotateBodySchema,
  exportQuerySchema,
  incidentListQuerySchema,
  incidentListSchema,
  incidentPathSchema,
  incidentSchema,
} from '../../../shared/protocol/api-incidents.ts';
import type { Incidents } from '../../incidents/incidents.ts';
import { toHtml, toMarkdown } from '../../reports/document.ts';
import { incidentDocument } from '../../reports/incident-document.ts';
import { ProblemError } from '../problems.ts';
import { seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['incidents'];

export function registerIncidentRoutes(app: HttpApp, { incidents }: { readonly incidents: Incidents }): void {
  registerReads(app, incidents);
  registerExport(app, incidents);
  app.post(
    '/v1/incidents/:id/annotate',
    {
      schema: {
        tags: TAGS,
        summary: 'Add a note, or the plan to roll forward',
        params: incidentPathSchema,
        body: annotateBodySchema,
        response: { 200: incidentSchema },
      },
      config: { needs: 'operate', problems: ['not-found'] },
    },
    async ({ params, body }) => found(await incidents.annotate(params.id, body), params.id),
  );
}

function registerReads(app: HttpApp, incidents: Incidents): void {
  app.get(
    '/v1/incidents',
    {
      schema: {
        tags: TAGS,
        summary: 'Every incident, newest first; of one rollout with ?rollout=',
        querystring: incidentListQuerySchema,
        response: { 200: incidentListSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async (request) => {
      const { query } = request;
      const listed = await incidents.list(query.rollout ?? null);
      if (listed === null) throw new ProblemError('not-found', `no rollout is called "${query.rollout}"`);
      const isSeen = await seenRollouts(request);
      return { incidents: listed.filter(({ rolloutId }) => isSeen(rolloutId)) };
    },
  );
  app.get(
    '/v1/incidents/:id',
    {
      schema: {
        tags: TAGS,
        summary: 'One incident with its timeline, evidence, figures and devices; a rollout id means its newest',
        params: incidentPathSchema,
        response: { 200: incidentSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params }) => found(await incidents.get(params.id), params.id),
  );
}

function registerExport(app: HttpApp, incidents: Incidents): void {
  app.get(
    '/v1/incidents/:id/export',
    {
      schema: {
        tags: TAGS,
        summary: 'The incident note as Markdown (?format=md), HTML in one file (?format=html) or JSON (?format=json)',
        params: incidentPathSchema,
        querystring: exportQuerySchema,
      },
      config: { needs: 'view', problems: ['not-found'], sends: { 200: 'text/markdown' } },
    },
    async ({ params, query }, reply) => {
      const incident = found(await incidents.get(params.id), params.id);
      if (query.format === 'json')
        return reply
          .header('content-type', 'application/json; charset=utf-8')
          .send(`${JSON.stringify(incident, null, 2)}\n`);
      if (query.format === 'html')
        return reply
          .header('content-type', 'text/html; charset=utf-8')
          .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
          .send(toHtml(incidentDocument(incident)));
      return reply.header('content-type', 'text/markdown; charset=utf-8').send(toMarkdown(incidentDocument(incident)));
    },
  );
}

function found<T>(value: T | null, id: string): T {
  if (value === null) throw new ProblemError('not-found', `no incident is called "${id}"`);
  return value;
}
