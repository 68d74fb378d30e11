// The status route: everything an on-call looks at first, on one page.
import { statusReportSchema } from '../../../shared/protocol/api-status.ts';
import type { Devices } from '../../devices/devices.ts';
import { countReleases, countSites } from '../../devices/fleet-status.ts';
import type { KillSwitch } from '../../kill-switch/kill-switch.ts';
import type { Leases } from '../../leases/leases.ts';
import type { Pictures } from '../../pictures/pictures.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { onSeenSites, seenKills, seenRollouts } from '../seen.ts';
import type { HttpApp } from '../server.ts';

export type StatusParts = {
  readonly devices: Devices;
  readonly killSwitch: KillSwitch;
  readonly telemetry: Telemetry;
  readonly leases: Leases;
  readonly pictures: Pictures;
  /** Rollouts that are not over, as the rollouts room tells them. */
  readonly listRollouts: () => Promise<readonly Record<string, unknown>[]>;
  readonly messaging: () => Record<string, unknown>;
  readonly urls: () => { readonly mqttUrl: string; readonly apiUrl: string };
  readonly version: string;
  readonly startedAtMs: number;
  readonly wallNow: () => number;
};

export function registerStatusRoutes(app: HttpApp, parts: StatusParts): void {
  app.get(
    '/v1/status',
    {
      schema: { tags: ['system'], summary: 'The fleet on one page', response: { 200: statusReportSchema } },
      config: { needs: 'view' },
    },
    async (request) => {
      const everyone = onSeenSites(request, await parts.devices.list());
      const devices = everyone.filter(({ duty }) => !duty?.retired);
      const isSeen = { rollout: await seenRollouts(request), kill: await seenKills(request) };
      const refused = parts.telemetry.refused();
      return {
        nowMs: parts.wallNow(),
        startedAtMs: parts.startedAtMs,
        version: parts.version,
        ...parts.urls(),
        devices: {
          total: devices.length,
          online: devices.filter((device) => device.online).length,
          retired: everyone.length - devices.length,
        },
        sites: countSites(devices).map((site) => ({
          ...site,
          pictures: parts.pictures.policies.of(site.site).pictures,
        })),
        releases: [...countReleases(devices)],
        rollouts: (await parts.listRollouts()).filter(({ id }) => isSeen.rollout(String(id))),
        kills: parts.killSwitch.active().filter(({ scope }) => isSeen.kill(scope)),
        refused: { ...refused, last: onSeenSites(request, refused.last) },
        telemetry: parts.telemetry.counts(),
        leases: parts.leases.counts(),
        messaging: parts.messaging(),
      };
    },
  );
}
