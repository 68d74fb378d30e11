// Routes that tell how the control plane itself is: health, trust, audit.

import {
  auditCheckSchema,
  auditListSchema,
  auditQuerySchema,
  healthSchema,
} from '../../../shared/protocol/api-status.ts';
import { type KeySet, keySetSchema } from '../../../shared/signing/signed-document.ts';
import type { Audit } from '../../audit/audit.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['system'];

export type SystemParts = {
  readonly keySet: KeySet;
  readonly audit: Audit;
  /** What does not work now, in words; empty = healthy. */
  readonly findProblems: () => Promise<readonly string[]>;
};

export function registerSystemRoutes(app: HttpApp, { keySet, audit, findProblems }: SystemParts): void {
  app.get(
    '/v1/trust',
    {
      schema: { tags: TAGS, summary: 'The public keys that devices shall trust', response: { 200: keySetSchema } },
      config: { needs: 'public' },
    },
    async () => keySet,
  );
  app.get(
    '/v1/health',
    {
      schema: {
        tags: TAGS,
        summary: 'Whether everything works, and what does not',
        response: { 200: healthSchema, 503: healthSchema },
      },
      config: { needs: 'public' },
    },
    async (_request, reply) => {
      const problems = [...(await findProblems())];
      return reply.code(problems.length === 0 ? 200 : 503).send({ ok: problems.length === 0, problems });
    },
  );
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: TAGS,
        summary: 'Who did what, newest first',
        querystring: auditQuerySchema,
        response: { 200: auditListSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => {
      const { limit, beforeSeq } = request.query;
      const rows = await audit.list(beforeSeq === undefined ? { limit } : { limit, beforeSeq });
      return { rows: rows.map((row) => ({ ...row })) };
    },
  );
  app.get(
    '/v1/audit/verify',
    {
      schema: {
        tags: TAGS,
        summary: 'Whether the audit is whole: every row carries the hash of the one before',
        response: { 200: auditCheckSchema },
      },
      config: { needs: 'view' },
    },
    async () => audit.verify(),
  );
}
