// Routes of devices: what they are, why they do what they do, and what an agent needs to connect.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  credentialsSchema,
  type DeviceDocument,
  deviceEventsQuerySchema,
  deviceEventsSchema,
  deviceListQuerySchema,
  deviceListSchema,
  devicePathSchema,
  deviceSchema,
  explainSchema,
} from '../../../shared/protocol/api-devices.ts';
import { IN_SERVICE } from '../../../shared/protocol/duty.ts';
import { parseSelector } from '../../../shared/protocol/selector.ts';
import type { DeviceAddress } from '../../../shared/protocol/topics.ts';
import type { KeySet } from '../../../shared/signing/signed-document.ts';
import type { Audit } from '../../audit/audit.ts';
import type { Database } from '../../database/database.ts';
import type { Device } from '../../devices/device.ts';
import type { Devices } from '../../devices/devices.ts';
import { explainDevice } from '../../devices/explain.ts';
import type { DutyRoom } from '../../duty/duty.ts';
import type { KillSwitch } from '../../kill-switch/kill-switch.ts';
import { eventsSince, lastEvents } from '../../telemetry/read-telemetry.ts';
import { asItIs } from '../as-it-is.ts';
import { pageOf, readCursor, writeCursor } from '../paging.ts';
import { ProblemError } from '../problems.ts';
import { onSeenSites } from '../seen.ts';
import type { HttpApp } from '../server.ts';
import { setVersion } from '../versions.ts';

const TAGS = ['devices'];
const PATH = '/v1/devices/:site/:device';
const EVENTS_LOOKED_AT = 20;

export type DeviceRouteParts = {
  readonly database: Database;
  readonly devices: Devices;
  readonly killSwitch: KillSwitch;
  readonly audit: Audit;
  readonly isRegistered: (digest: string) => boolean;
  readonly connection: () => { readonly mqttUrl: string; readonly apiUrl: string; readonly keySet: KeySet };
  readonly passwordOf: (address: DeviceAddress) => string;
  readonly duty: Pick<DutyRoom, 'isRetired'>;
  readonly wallNow: () => number;
};

export function registerDeviceRoutes(app: HttpApp, parts: DeviceRouteParts): void {
  registerReads(app, parts);
  registerExplain(app, parts);
  registerCredentials(app, parts);
}

function registerReads(app: HttpApp, { database, devices }: DeviceRouteParts): void {
  app.get(
    '/v1/devices',
    {
      schema: {
        tags: TAGS,
        summary: 'Every device, what it shall run and what it says it runs',
        querystring: deviceListQuerySchema,
        response: { 200: deviceListSchema },
      },
      config: { needs: 'view', repeats: true },
      serializerCompiler: asItIs,
    },
    async (request) => {
      const { query } = request;
      const after = readCursor('devices', query.cursor, DEVICE_PLACE);
      const read = await devices.page({
        selector: selectorOf(query),
        after: after && { site: after[0], device: after[1] },
        limit: query.limit + 1,
      });
      const { rows, ...next } = pageOf(read, query.limit, ({ site, device }) => writeCursor('devices', [site, device]));
      return { devices: onSeenSites(request, rows).map(toDocument), ...next };
    },
  );
  app.get(
    PATH,
    {
      schema: { tags: TAGS, summary: 'One device', params: devicePathSchema, response: { 200: deviceSchema } },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async (request, reply) => {
      const found = toDocument(await find(devices, request.params));
      setVersion(reply, found.duty.version);
      return found;
    },
  );
  app.get(
    `${PATH}/events`,
    {
      schema: {
        tags: TAGS,
        summary: 'What a device told: its newest events, or those after a cursor',
        params: devicePathSchema,
        querystring: deviceEventsQuerySchema,
        response: { 200: deviceEventsSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async (request) => {
      const device = addressOf(await find(devices, request.params));
      const { limit, afterId, cursor } = request.query;
      const place = readCursor('events', cursor, EVENT_PLACE);
      // A cursor keeps the direction that its list was begun in.
      const isForward = place === null ? afterId !== undefined : place[0] === 'after';
      const at = place?.[1] ?? afterId ?? null;
      const read = isForward
        ? await eventsSince(database, { device, limit: limit + 1, afterId: at ?? 0 })
        : await lastEvents(database, device, { limit: limit + 1, beforeId: at });
      const { rows, ...next } = pageOf(read, limit, ({ id }) =>
        writeCursor('events', [isForward ? 'after' : 'before', id]),
      );
      return { events: [...rows], ...next };
    },
  );
}

const DEVICE_PLACE = z.tuple([z.string(), z.string()]);
const EVENT_PLACE = z.tuple([z.enum(['after', 'before']), z.number().int()]);

function selectorOf({
  site,
  selector,
}: {
  readonly site?: string | undefined;
  readonly selector?: string | undefined;
}) {
  const parsed = selector === undefined ? { ok: true as const, selector: [] } : parseSelector(selector);
  if (!parsed.ok)
    throw new ProblemError('invalid-request', 'the query is not valid', [
      { path: 'selector', message: parsed.message },
    ]);
  const own = site === undefined ? [] : [{ kind: 'words', field: 'site', isWanted: true, words: [site] } as const];
  return [...own, ...parsed.selector];
}

function registerExplain(
  app: HttpApp,
  { database, devices, killSwitch, isRegistered, wallNow }: DeviceRouteParts,
): void {
  app.get(
    `${PATH}/explain`,
    {
      schema: {
        tags: TAGS,
        summary: 'Why a device does what it does, in sentences',
        params: devicePathSchema,
        response: { 200: explainSchema },
      },
      config: { needs: 'view', problems: ['not-found'] },
    },
    async (request) => {
      const device = await find(devices, request.params);
      const committed = device.reported?.committed;
      const nowMs = wallNow();
      const { summary, sentences } = explainDevice({
        device,
        kills: killSwitch.reaching(addressOf(device)),
        events: await lastEvents(database, addressOf(device), { limit: EVENTS_LOOKED_AT }),
        isCommittedRegistered: committed != null && isRegistered(committed.digest),
        nowMs,
      });
      const dataAgeMs = Math.max(0, nowMs - device.lastSeenAtMs);
      return { ...addressOf(device), atMs: nowMs, dataAgeMs, summary, sentences: [...sentences] };
    },
  );
}

function registerCredentials(app: HttpApp, { database, audit, connection, passwordOf, duty }: DeviceRouteParts): void {
  app.post(
    `${PATH}/credentials`,
    {
      schema: {
        tags: TAGS,
        summary: 'What an agent needs to connect; where nobody signs in, only on the machine itself',
        params: devicePathSchema,
        response: { 200: credentialsSchema },
      },
      config: { needs: 'operate', problems: ['forbidden', 'conflict'] },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { site, device } = request.params;
      refuseFarStranger(request);
      if (duty.isRetired({ site, device }))
        throw new ProblemError(
          'conflict',
          `${site}/${device} is retired; first: belay device unretire ${site}/${device}`,
        );
      await audit.append(database, {
        actor: request.identity.name,
        action: 'credentials-issued',
        subject: `device/${site}/${device}`,
        reason: 'asked for over the API',
      });
      return { site, device, password: passwordOf({ site, device }), ...connection() };
    },
  );
}

/** Where nobody signs in, a password is for who sits at the machine, also where the API listens further. */
function refuseFarStranger({ ip, identity }: FastifyRequest): void {
  if (identity.kind !== 'nobody' || ip === '::1' || /^(::ffff:)?127\./.test(ip)) return;
  throw new ProblemError('forbidden', `passwords are not given to ${ip}, and nobody is signed in`);
}

async function find(devices: Devices, { site, device }: DeviceAddress): Promise<Device> {
  const found = await devices.get({ site, device });
  if (!found) throw new ProblemError('not-found', `no device ${site}/${device} was ever heard`);
  return found;
}

function addressOf({ site, device }: DeviceAddress): DeviceAddress {
  return { site, device };
}

function toDocument(device: Device): DeviceDocument {
  return { ...device, duty: device.duty ?? IN_SERVICE };
}
