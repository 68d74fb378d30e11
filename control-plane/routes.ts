// Which routes there are, and which rooms each of them talks to.

import type { DeviceAddress } from '../shared/protocol/topics.ts';
import { configInForce } from './config-in-force.ts';
import { installDryRuns } from './http/dry-run.ts';
import { dryRuns } from './http/dry-runs.ts';
import { installIdempotency } from './http/idempotency.ts';
import { registerKillPage } from './http/kill-page.ts';
import { nameTokens } from './http/name-tokens.ts';
import { whoOf } from './http/requester.ts';
import { registerAccountRoutes } from './http/routes/accounts.ts';
import { registerArtifactRoutes } from './http/routes/artifacts.ts';
import { registerAuditRoutes } from './http/routes/audit.ts';
import { registerConfigRoute } from './http/routes/config.ts';
import { registerDeviceWindowsRoute } from './http/routes/device-windows.ts';
import { registerDeviceRoutes } from './http/routes/devices.ts';
import { registerDocumentsRoute } from './http/routes/documents.ts';
import { registerDrillRoutes } from './http/routes/drills.ts';
import { registerDutyRoutes } from './http/routes/duty.ts';
import { registerForesightRoutes } from './http/routes/foresight.ts';
import { registerIncidentRoutes } from './http/routes/incidents.ts';
import { registerKillProgressRoutes } from './http/routes/kill-progress.ts';
import { registerKillRoutes } from './http/routes/kills.ts';
import { registerLiftRoute } from './http/routes/lift.ts';
import { registerLiveRoutes } from './http/routes/live.ts';
import { registerMetricsRoutes } from './http/routes/metrics.ts';
import { registerPictureRoutes } from './http/routes/pictures.ts';
import { registerPrometheusRoute } from './http/routes/prometheus.ts';
import { registerReleaseRoutes } from './http/routes/releases.ts';
import { registerReportRoutes } from './http/routes/reports.ts';
import { registerRevisionRoutes } from './http/routes/revisions.ts';
import { registerRolloutChartRoutes } from './http/routes/rollout-charts.ts';
import { registerRolloutRoutes } from './http/routes/rollouts.ts';
import { registerSessionRoutes } from './http/routes/session.ts';
import { registerSitePolicyRoutes } from './http/routes/site-policies.ts';
import { registerStatusRoutes } from './http/routes/status.ts';
import { registerSystemRoutes } from './http/routes/system.ts';
import { registerTokenRoutes } from './http/routes/tokens.ts';
import { registerWebhookRoutes } from './http/routes/webhooks.ts';
import type { HttpApp } from './http/server.ts';
import { registerSignInPage } from './http/sign-in-page.ts';
import { openScopeLookup } from './kill-switch/resolve-scope.ts';
import type { Messaging } from './messaging/messaging.ts';
import type { Metrics } from './metrics/metrics.ts';
import { openReports } from './reports/reports.ts';
import type { RolloutLoop } from './rollout-loop.ts';
import type { Rooms } from './rooms.ts';
import { devicePassword } from './signing/signing.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export type RunningParts = {
  readonly telemetry: Telemetry;
  readonly messaging: Messaging;
  readonly metrics: Metrics;
  readonly rolloutLoop: RolloutLoop;
  readonly startedAtMs: number;
  readonly version: string;
  readonly urls: () => { readonly mqttUrl: string; readonly apiUrl: string };
  /** Where the dashboard was built. */
  readonly dashboardFolder: string;
};

const ENDED: ReadonlySet<string> = new Set(['rolled_back', 'completed', 'aborted', 'superseded']);

export function registerRoutes(app: HttpApp, rooms: Rooms, running: RunningParts): void {
  const { registry, signing, killSwitch, rollouts, incidents, foresight } = rooms;
  const { telemetry, messaging, rolloutLoop, urls } = running;
  const lookUp = openLookup(rooms);
  nameTokens(app, rooms.audit);
  installDryRuns(app, dryRuns({ ...rooms, lookUp }));
  installIdempotency(app, { ...rooms, whoOf });
  registerIdentityRoutes(app, rooms, () => urls().apiUrl);
  const kills = { ...rooms, lookUp, onChange: () => killsChanged(rooms, rolloutLoop) };
  registerKillRoutes(app, kills);
  registerKillProgressRoutes(app, kills);
  registerKillPage(app, { ...kills, dashboardFolder: running.dashboardFolder });
  registerLiveRoutes(app, rooms);
  registerReleaseRoutes(app, { registry });
  registerArtifactRoutes(app, { registry });
  registerIncidentRoutes(app, { incidents });
  registerMetricsRoutes(app, { business: rooms.business, wake: () => rolloutLoop.wake() });
  registerDrillRoutes(app, { drills: rooms.drills, wake: () => rolloutLoop.wake() });
  registerReportRoutes(app, { registry, reports: openReports(rooms), archiveOf: (id) => rollouts.archive(id) });
  registerForesightRoutes(app, { foresight });
  registerRolloutRoutes(app, { rollouts, foresight, wake: () => rolloutLoop.wake() });
  registerRolloutChartRoutes(app, { rollouts });
  registerRevisionRoutes(app, { rollouts, wake: () => rolloutLoop.wake() });
  registerDeviceRoutes(app, {
    ...rooms,
    isRegistered: (digest) => registry.resolve(digest).kind === 'found',
    connection: () => ({ ...urls(), keySet: signing.keySet }),
    passwordOf: (address) => devicePassword(signing.deviceSecret, address, rooms.duty.passwordEpoch(address)),
  });
  registerDeviceWindowsRoute(app, rooms);
  registerLiftRoute(app, rooms);
  registerDutyRoutes(app, { ...rooms, onChange: (address) => dutyChanged(rooms, rolloutLoop, address) });
  registerDocumentsRoute(app, { messaging });
  registerPictureRoutes(app, rooms);
  registerSitePolicyRoutes(app, rooms);
  registerStatusRoutes(app, {
    ...rooms,
    ...running,
    listRollouts: async () => (await rollouts.list()).filter((rollout) => !ENDED.has(rollout.state)),
    messaging: () => ({ ...messaging.metrics() }),
  });
  registerWebhookRoutes(app, rooms);
  registerPrometheusRoute(app, {
    writePage: () => running.metrics.write(running),
    // On this machine alone a scraper needs no token; whoever listens beyond it gives Prometheus one of a viewer.
    needs: rooms.config.allowRemote ? 'view' : 'public',
  });
  const findProblems = async () => [telemetry.fault(), killSwitch.fault()].filter((problem) => problem !== null);
  registerConfigRoute(app, configInForce(rooms.config));
  registerSystemRoutes(app, { keySet: signing.keySet, findProblems });
  registerAuditRoutes(app, { audit: rooms.audit, scopeOfKill: (id) => killSwitch.get(id)?.scope ?? null });
}

/** Everybody who looks on sees it at once; rollouts follow. */
function killsChanged({ live }: Rooms, rolloutLoop: RolloutLoop): void {
  live.kills();
  rolloutLoop.wake();
}

/** The wall shows it at once; rollouts look at who is left. */
function dutyChanged({ live }: Rooms, rolloutLoop: RolloutLoop, address: DeviceAddress): void {
  live.desired(address);
  rolloutLoop.wake();
}

function registerIdentityRoutes(app: HttpApp, { identity, config }: Rooms, apiUrl: () => string): void {
  const parts = { identity, secure: config.publicUrls.http?.startsWith('https:') === true, apiUrl };
  registerSessionRoutes(app, parts);
  registerAccountRoutes(app, parts);
  registerTokenRoutes(app, parts);
  registerSignInPage(app, parts);
}

function openLookup({ registry, presence, rollouts }: Rooms) {
  return openScopeLookup({
    presence,
    resolveRelease: (reference) => registry.resolve(reference),
    findRollout: async (idOrName) => {
      const rollout = await rollouts.get(idOrName);
      return rollout ? { rolloutId: rollout.id, digest: rollout.candidate.digest } : null;
    },
  });
}
