// GET /metrics: the page that Prometheus reads. Who may read it is the caller's to say.
import { PROMETHEUS_CONTENT_TYPE } from '../../metrics/page.ts';
import type { Needs } from '../needs.ts';
import type { HttpApp } from '../server.ts';

export type PrometheusParts = {
  readonly writePage: () => Promise<string>;
  readonly needs: Extract<Needs, 'public' | 'view'>;
};

export function registerPrometheusRoute(app: HttpApp, { writePage, needs }: PrometheusParts): void {
  app.get(
    '/metrics',
    {
      schema: { tags: ['system'], summary: 'Figures of the fleet and of the control plane for Prometheus' },
      config: { needs, sends: { 200: 'text/plain' } },
    },
    async (_request, reply) => reply.header('content-type', PROMETHEUS_CONTENT_TYPE).send(await writePage()),
  );
}
