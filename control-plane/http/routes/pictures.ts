// Routes of pictures on demand: ask a device, take what it sends, look at it. For operators of the site, not for viewers: a
// picture shows people and parts, not figures.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { devicePathSchema } from '../../../shared/protocol/api-devices.ts';
import {
  frameAskBodySchema,
  framesAnswerSchema,
  pictureUploadSchema,
  rolloutFramesSchema,
  UPLOAD_BYTES_MAX,
  uploadPathSchema,
  uploadTakenSchema,
} from '../../../shared/protocol/api-pictures.ts';
import { may } from '../../../shared/protocol/permissions.ts';
import type { DeviceAddress } from '../../../shared/protocol/topics.ts';
import type { PresenceBook } from '../../devices/presence.ts';
import type { Pictures } from '../../pictures/pictures.ts';
import { askForReview } from '../../pictures/review.ts';
import { demand } from '../authenticate.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

export type PictureRouteParts = { readonly pictures: Pictures; readonly presence: Pick<PresenceBook, 'list'> };

const TAGS = ['pictures'];
const FRAME = '/v1/devices/:site/:device/frame';
const REVIEW = '/v1/rollouts/:id/frames';
const NO_REASON = 'looked at what it sees';
const rolloutPathSchema = z.looseObject({ id: z.string().min(1).max(200) });

export function registerPictureRoutes(app: HttpApp, parts: PictureRouteParts): void {
  registerFrame(app, parts);
  registerUpload(app, parts);
  registerReview(app, parts);
}

function registerFrame(app: HttpApp, { pictures }: PictureRouteParts): void {
  app.post(
    FRAME,
    {
      schema: {
        tags: TAGS,
        summary: 'Ask a device for its last frame of each camera; it comes within seconds, and GET shows it',
        params: devicePathSchema,
        body: frameAskBodySchema,
        response: { 202: framesAnswerSchema },
      },
      config: { needs: 'operate', problems: ['pictures-off', 'device-away'] },
    },
    async (request, reply) => {
      const address = addressOf(request.params);
      const { actor, reason = NO_REASON } = request.body;
      const verdict = await pictures.ask({ address, actor, reason, shadow: null });
      if (verdict.kind === 'refused') throw new ProblemError(verdict.problem, verdict.reason);
      return reply.code(202).send({ ...pictures.framesOf(address, 'last-frame'), pictures: [] });
    },
  );
  app.get(
    FRAME,
    {
      schema: {
        tags: TAGS,
        summary: 'The last frames that a device was asked for, with what each release found in them',
        params: devicePathSchema,
        response: { 200: framesAnswerSchema },
      },
      config: { needs: 'operate' },
    },
    async (request, reply) => {
      const address = addressOf(request.params);
      await pictures.seen(address, 'last-frame', request.identity.name);
      return unkept(reply).send(pictures.framesOf(address, 'last-frame'));
    },
  );
}

function registerUpload(app: HttpApp, { pictures }: PictureRouteParts): void {
  app.put(
    '/v1/devices/:site/:device/asks/:ask',
    {
      schema: {
        tags: TAGS,
        summary: 'What a device sends when it was asked; from the device itself alone',
        params: uploadPathSchema,
        body: pictureUploadSchema,
        response: { 200: uploadTakenSchema },
      },
      config: { needs: 'device', problems: ['conflict'] },
      bodyLimit: UPLOAD_BYTES_MAX,
      // Before four megabytes of it are read.
      onRequest: async ({ identity }) => {
        if (identity.by.kind !== 'device')
          throw new ProblemError('forbidden', 'pictures come from the device itself, with its own password');
      },
    },
    async (request) => {
      const taken = pictures.take(addressOf(request.params), request.params.ask, request.body);
      if (taken.kind === 'unwanted') throw new ProblemError('conflict', taken.reason);
      return { taken: true as const };
    },
  );
}

/** Of a rollout one may see some of the sites; pictures come from those where one operates. */
function registerReview(app: HttpApp, { pictures, presence }: PictureRouteParts): void {
  const problems = ['not-found', 'forbidden'] as const;
  app.post(
    REVIEW,
    {
      schema: {
        tags: TAGS,
        summary: 'Ask devices that shadow for the frames in which both releases differ most',
        params: rolloutPathSchema,
        body: frameAskBodySchema,
        response: { 202: rolloutFramesSchema },
      },
      config: { needs: 'view', problems: [...problems] },
    },
    async (request, reply) => {
      const rolloutId = request.params.id;
      await demandSomeSite(request, rolloutId);
      const { actor, reason = NO_REASON } = request.body;
      const isAllowed = (site: string) => may(request.identity, 'operate', site);
      const review = await askForReview({ pictures, presence }, { rolloutId, actor, reason, isAllowed });
      return reply.code(202).send(review);
    },
  );
  app.get(
    REVIEW,
    {
      schema: {
        tags: TAGS,
        summary: 'Disagreeing frames that devices have sent, with the answers of both releases',
        params: rolloutPathSchema,
        response: { 200: rolloutFramesSchema },
      },
      config: { needs: 'view', problems: [...problems] },
    },
    async (request, reply) => {
      const rolloutId = request.params.id;
      await demandSomeSite(request, rolloutId);
      const { identity } = request;
      const devices = pictures.devicesOf(rolloutId).filter(({ site }) => may(identity, 'operate', site));
      const shown = [];
      for (const address of devices) {
        await pictures.seen(address, 'disagreements', identity.name);
        shown.push(pictures.framesOf(address, 'disagreements'));
      }
      return unkept(reply).send({ devices: shown, notAsked: [] });
    },
  );
}

async function demandSomeSite(request: FastifyRequest, rolloutId: string): Promise<void> {
  const { identity } = request;
  if (may(identity, 'operate', '*')) return;
  const sites = await request.server.sitesOf.rollout(rolloutId);
  if (!sites.some((site) => may(identity, 'operate', site))) demand(request, 'operate', sites);
}

/** No cache on the way, and no browser, keeps it. */
function unkept(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'no-store');
}

function addressOf({ site, device }: DeviceAddress): DeviceAddress {
  return { site, device };
}
