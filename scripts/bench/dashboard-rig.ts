// The ground of the dashboard's figures: the real server, live room and built pages, a fleet that is played into the live room
// as telemetry does it, and Chromium. No broker and no records: what a browser takes is the same without them.
import path from 'node:path';
import { pino } from 'pino';
import { openDatabase } from '../../control-plane/database/database.ts';
import { PresenceBook } from '../../control-plane/devices/presence.ts';
import { openToAnybody } from '../../control-plane/http/access.ts';
import { registerDashboard } from '../../control-plane/http/dashboard.ts';
import { registerLiveRoutes } from '../../control-plane/http/routes/live.ts';
import { buildServer } from '../../control-plane/http/server.ts';
import { Live } from '../../control-plane/live/live.ts';
import { type Chromium, openChromium } from '../../test/browser/chromium.ts';
import { buildDashboard } from '../build-dashboard.ts';
import { type PlayedFleet, playFleet } from './played-fleet.ts';
import type { Workspace } from './workspace.ts';

export const DASHBOARD_FOLDER = path.join(import.meta.dirname, '../../control-plane/dashboard/dist');

export type DashboardRig = {
  readonly url: string;
  readonly fleet: PlayedFleet;
  readonly chromium: Chromium;
  /** Serves this page at `/still`, from now on. */
  setStill(html: string): void;
};

export async function openDashboardRig(workspace: Workspace, devices: number): Promise<DashboardRig> {
  await buildDashboard(() => {});
  const database = await openDatabase(path.join(workspace.folder, 'belay.db'));
  workspace.defer(() => database.destroy());
  const presence = new PresenceBook();
  const log = pino({ level: 'silent' });
  const wallNow = () => Date.now();
  const live = new Live({ database, presence, wallNow, log, ...NOTHING_GOES_ON });
  workspace.defer(() => live.close());
  const app = await buildServer({ version: 'bench', log, loopbackOnly: true, access: openToAnybody() });
  workspace.defer(() => app.close());
  registerLiveRoutes(app, { live, wallNow });
  let still = '';
  app.get('/still', { schema: { hide: true }, config: { needs: 'public' } }, async (_, reply) =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(still),
  );
  await registerDashboard(app, DASHBOARD_FOLDER);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  live.start();
  const fleet = playFleet({ live, presence, devices });
  workspace.defer(() => fleet.stop());
  const chromium = await openChromium();
  workspace.defer(() => chromium.close());
  return {
    url,
    fleet,
    chromium,
    setStill: (html) => {
      still = html;
    },
  };
}

const NOTHING_GOES_ON = {
  rollouts: { summary: async () => null },
  incidents: { list: async () => [] },
  killSwitch: { list: () => [] },
} as const;
