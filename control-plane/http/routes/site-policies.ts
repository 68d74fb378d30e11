// Routes of what a site allows: whether its devices may be asked for pictures. Read by who may look, changed by its admins.
import { sitePathSchema, sitePolicyBodySchema, sitePolicySchema } from '../../../shared/protocol/api-pictures.ts';
import type { Pictures } from '../../pictures/pictures.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['pictures'];
const POLICY = '/v1/sites/:site/policy';

export function registerSitePolicyRoutes(app: HttpApp, { pictures }: { readonly pictures: Pictures }): void {
  app.get(
    POLICY,
    {
      schema: {
        tags: TAGS,
        summary: 'What a site allows',
        params: sitePathSchema,
        response: { 200: sitePolicySchema },
      },
      config: { needs: 'view' },
    },
    async (request) => pictures.policies.of(request.params.site),
  );
  app.put(
    POLICY,
    {
      schema: {
        tags: TAGS,
        summary: 'Let devices of a site be asked for pictures, or not; off also forgets those that are kept',
        params: sitePathSchema,
        body: sitePolicyBodySchema,
        response: { 200: sitePolicySchema },
      },
      config: { needs: 'administer' },
    },
    async (request) => {
      const { site } = request.params;
      const { pictures: wanted, actor, reason } = request.body;
      const policy = await pictures.policies.set({ site, pictures: wanted, actor, reason });
      if (wanted === 'off') await pictures.forgetSite(site);
      return policy;
    },
  );
}
