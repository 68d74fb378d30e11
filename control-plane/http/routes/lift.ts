// The route by which a person lets a release out of quarantine on one device.
import { devicePathSchema, liftBodySchema, liftedSchema } from '../../../shared/protocol/api-devices.ts';
import type { Audit } from '../../audit/audit.ts';
import type { Database } from '../../database/database.ts';
import type { Devices } from '../../devices/devices.ts';
import { liftQuarantine } from '../../devices/lift-quarantine.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

export type LiftRouteParts = {
  readonly database: Database;
  readonly devices: Devices;
  readonly audit: Audit;
  readonly wallNow: () => number;
};

export function registerLiftRoute(app: HttpApp, { database, devices, audit, wallNow }: LiftRouteParts): void {
  app.post(
    '/v1/devices/:site/:device/lift',
    {
      schema: {
        tags: ['devices'],
        summary: 'Let releases out of quarantine on a device',
        params: devicePathSchema,
        body: liftBodySchema,
        response: { 200: liftedSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict'] },
    },
    async (request) => {
      const { site, device } = request.params;
      const known = await devices.get({ site, device });
      if (!known) throw new ProblemError('not-found', `no device ${site}/${device} was ever heard`);
      const { release = null, reason, actor } = request.body;
      const { reported } = known;
      const lifting = { address: { site, device }, reported, release, reason, actor, nowMs: wallNow() };
      const lifted = await liftQuarantine({ database, audit }, lifting);
      if (lifted.kind === 'not-there') throw new ProblemError('not-found', lifted.reason);
      if (lifted.kind === 'nothing-desired')
        throw new ProblemError('conflict', `nothing is desired of ${site}/${device} yet, so no order can say it`);
      const releases = lifted.releases.map(({ release: id, digest }) => ({ release: id, digest }));
      return { site, device, generation: lifted.generation, releases };
    },
  );
}
