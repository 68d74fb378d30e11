// The route behind the strips of the device page: what a device has reported over time, thinned.
import {
  deviceWindowsQuerySchema,
  deviceWindowsSchema,
  SERIES_POINTS_MAX,
  SERIES_RANGE_MAX_MS,
} from '../../../shared/protocol/api-device-windows.ts';
import { devicePathSchema } from '../../../shared/protocol/api-devices.ts';
import type { Database } from '../../database/database.ts';
import type { Devices } from '../../devices/devices.ts';
import { readSeries } from '../../telemetry/read-series.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

export type DeviceWindowsParts = {
  readonly database: Database;
  readonly devices: Devices;
  readonly wallNow: () => number;
};

const DAY_MS = 24 * 60 * 60 * 1000;

export function registerDeviceWindowsRoute(app: HttpApp, { database, devices, wallNow }: DeviceWindowsParts): void {
  app.get(
    '/v1/devices/:site/:device/windows',
    {
      schema: {
        tags: ['devices'],
        summary: 'What a device has reported over time, thinned to 500 points: FPS, latency, temperature, battery',
        params: devicePathSchema,
        querystring: deviceWindowsQuerySchema,
        response: { 200: deviceWindowsSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async ({ params: { site, device }, query }) => {
      const toMs = query.to ?? wallNow();
      const fromMs = query.from ?? Math.max(0, toMs - DAY_MS);
      checkRange(fromMs, toMs);
      if ((await devices.get({ site, device })) === null)
        throw new ProblemError('not-found', `no device ${site}/${device} was ever heard`);
      return readSeries(database, { site, device }, { fromMs, toMs, pointsMax: SERIES_POINTS_MAX });
    },
  );
}

function checkRange(fromMs: number, toMs: number): void {
  const refuse = (path: string, message: string): never => {
    throw new ProblemError('invalid-request', 'the range is not valid', [{ path, message }]);
  };
  if (fromMs >= toMs) refuse('from', 'must lie before to');
  if (toMs - fromMs > SERIES_RANGE_MAX_MS) refuse('from', 'must lie at most 8 days before to');
}
