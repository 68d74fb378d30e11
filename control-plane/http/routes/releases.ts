// Routes of the registry: releases and their manifests.
import { z } from 'zod';
import { digestSchema } from '../../../shared/basics/identifiers.ts';
import {
  checkReportSchema,
  lookupBodySchema,
  type Release,
  registerBodySchema,
  registeredSchema,
  releaseListQuerySchema,
  releaseListSchema,
  releaseSchema,
  releaseStateBodySchema,
} from '../../../shared/protocol/api-releases.ts';
import type { Registry } from '../../registry/registry.ts';
import { pageOf, readCursor, writeCursor } from '../paging.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';
import { readExpected, setVersion, staleProblem } from '../versions.ts';

const TAGS = ['releases'];
const PLACE = z.tuple([z.number(), z.string()]);
const referencePathSchema = z.looseObject({ reference: z.string().min(1).max(200) });
const digestPathSchema = z.looseObject({ digest: digestSchema });

export function registerReleaseRoutes(app: HttpApp, { registry }: { readonly registry: Registry }): void {
  registerWrites(app, registry);
  registerReads(app, registry);
}

function registerWrites(app: HttpApp, registry: Registry): void {
  app.post(
    '/v1/releases',
    {
      schema: {
        tags: TAGS,
        summary: 'Register a release; its files are uploaded before',
        body: registerBodySchema,
        response: { 200: registeredSchema, 201: registeredSchema },
      },
      config: { needs: 'operate', scope: 'somewhere', problems: ['release-refused', 'release-taken'] },
    },
    async (request, reply) => {
      const outcome = await registry.register(request.body.manifest, request.body.actor, request.body.card);
      if (outcome.kind === 'taken') {
        throw new ProblemError('release-taken', `this number belongs to ${outcome.id} (${outcome.byDigest})`);
      }
      if (outcome.kind === 'refused') {
        const errors = outcome.report.findings.filter((finding) => !finding.ok);
        throw new ProblemError('release-refused', errors[0]?.message ?? 'it did not pass the checks', errors);
      }
      const { created, release, report } = outcome;
      return reply.code(created ? 201 : 200).send({ created, release, report });
    },
  );
  app.post(
    '/v1/releases/check',
    {
      schema: {
        tags: TAGS,
        summary: 'Everything that registering would look at, without storing',
        body: registerBodySchema,
        response: { 200: checkReportSchema },
      },
      config: { needs: 'view' },
    },
    async (request) => registry.check(request.body.manifest, request.body.card),
  );
  app.post(
    '/v1/releases/:digest/state',
    {
      schema: {
        tags: TAGS,
        summary: 'Archive or withdraw a release, or take that back',
        params: digestPathSchema,
        body: releaseStateBodySchema,
        response: { 200: releaseSchema },
      },
      config: { needs: 'operate', problems: ['not-found', 'conflict', 'precondition-required', 'precondition-failed'] },
    },
    async (request, reply) => {
      const { digest } = request.params;
      // Withdrawing is the safe direction: nothing starts with it any more.
      const expected = readExpected(request, { isRequired: request.body.state !== 'withdrawn' });
      const set = await registry.setState(digest, request.body, expected);
      if (set.kind === 'stale') throw staleProblem(`release ${digest.slice(0, 12)}`, set);
      if (set.kind === 'kept') throw new ProblemError('conflict', set.reason);
      setVersion(reply, await registry.version(digest));
      return findRelease(registry, digest);
    },
  );
}

function registerReads(app: HttpApp, registry: Registry): void {
  app.get(
    '/v1/releases',
    {
      schema: {
        tags: TAGS,
        summary: 'Every release, newest first',
        querystring: releaseListQuerySchema,
        response: { 200: releaseListSchema },
      },
      config: { needs: 'view' },
    },
    async ({ query: { name, state, cursor, limit } }) => {
      const place = readCursor('releases', cursor, PLACE);
      const after = place && { registeredAtMs: place[0], id: place[1] };
      const read = await registry.list({ name, state, after, limit: limit + 1 });
      const { rows, ...next } = pageOf(read, limit, (last) => writeCursor('releases', [last.registeredAtMs, last.id]));
      return { releases: [...rows], ...next };
    },
  );
  app.post(
    '/v1/releases/lookup',
    {
      schema: {
        tags: TAGS,
        summary: 'One release by full id, short id or digest',
        body: lookupBodySchema,
        response: { 200: releaseSchema },
      },
      config: { needs: 'view', problems: ['not-found', 'ambiguous-reference'] },
    },
    async (request) => findRelease(registry, request.body.reference),
  );
  app.get(
    '/v1/releases/:reference',
    {
      schema: { tags: TAGS, summary: 'One release', params: referencePathSchema, response: { 200: releaseSchema } },
      config: { needs: 'view', problems: ['not-found', 'ambiguous-reference'] },
    },
    async (request, reply) => {
      const release = await findRelease(registry, request.params.reference);
      setVersion(reply, await registry.version(release.digest));
      return release;
    },
  );
  app.get(
    '/v1/manifests/:digest',
    {
      schema: {
        tags: TAGS,
        summary: 'The manifest, byte for byte: its SHA-256 is the digest',
        params: digestPathSchema,
      },
      config: { needs: 'device', problems: ['not-found'], sends: { 200: 'application/json' } },
    },
    async (request, reply) => {
      const { digest } = request.params;
      const text = await registry.manifestText(digest);
      if (text === null) throw new ProblemError('not-found', `no release has the digest ${digest}`);
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .header('cache-control', 'public, max-age=31536000, immutable')
        .header('etag', `"${digest}"`)
        .send(text);
    },
  );
}

/** Throws the problem when it is unknown or fits several. */
export async function findRelease(registry: Registry, reference: string): Promise<Release> {
  const resolved = registry.resolve(reference);
  if (resolved.kind === 'ambiguous') {
    throw new ProblemError('ambiguous-reference', `"${reference}" fits ${resolved.ids.join(', ')}`);
  }
  const release = resolved.kind === 'found' ? await registry.get(resolved.ref.digest) : null;
  if (!release) throw new ProblemError('not-found', `no release "${reference}" is registered`);
  return release;
}
