// The route that tells what the control plane runs with. For who administers every site: it names folders of its machine.
import { type ConfigInForce, configInForceSchema } from '../../../shared/protocol/api-config.ts';
import type { HttpApp } from '../server.ts';

export function registerConfigRoute(app: HttpApp, config: ConfigInForce): void {
  app.get(
    '/v1/config',
    {
      schema: {
        tags: ['system'],
        summary: 'The configuration in force, setting by setting, without secrets',
        response: { 200: configInForceSchema },
      },
      config: { needs: 'administer' },
    },
    async () => config,
  );
}
