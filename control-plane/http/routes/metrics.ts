// /v1/metrics/business: bring figures in, and see what is known. Translation only.
import { coverageListSchema, importAnswerSchema, importBodySchema } from '../../../shared/protocol/api-metrics.ts';
import type { Business } from '../../business/business.ts';
import { ProblemError } from '../problems.ts';
import { onSeenSites } from '../seen.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['metrics'];

export function registerMetricsRoutes(
  app: HttpApp,
  { business, wake }: { readonly business: Business; readonly wake: () => void },
): void {
  app.post(
    '/v1/metrics/business',
    {
      schema: {
        tags: TAGS,
        summary: 'Bring in business figures per device or line and span: all of a text, or nothing and every mistake',
        body: importBodySchema,
        response: { 200: importAnswerSchema },
      },
      config: { needs: 'operate' },
      bodyLimit: BODY_BYTES_MAX,
    },
    async ({ body }) => {
      const imported = await business.importText(body);
      if (imported.kind === 'imported') {
        wake();
        return imported.answer;
      }
      const [first] = imported.problems;
      const title = `nothing was brought in: ${imported.problems.length} mistakes, the first in line ${first?.line}: ${first?.message}`;
      throw new ProblemError(
        'invalid-request',
        title,
        imported.problems.map(({ line, message }) => ({ path: `line ${line}`, message })),
      );
    },
  );
  app.get(
    '/v1/metrics/business',
    {
      schema: {
        tags: TAGS,
        summary: 'Which devices and lines have business figures',
        response: { 200: coverageListSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => ({ units: onSeenSites(request, await business.coverage()) }),
  );
}

const BODY_BYTES_MAX = 20 * 1024 * 1024;
