// Routes of artifacts: upload once by digest, download with ranges. The bytes behind a digest never change.
import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { digestSchema } from '../../../shared/basics/identifiers.ts';
import { artifactSchema } from '../../../shared/protocol/api-releases.ts';
import type { ByteRange } from '../../registry/artifact-store.ts';
import type { Registry } from '../../registry/registry.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['artifacts'];
const BYTES = 'application/octet-stream';
const pathSchema = z.looseObject({ sha256: digestSchema });

export function registerArtifactRoutes(app: HttpApp, { registry }: { readonly registry: Registry }): void {
  app.addContentTypeParser(BYTES, (_request, payload, done) => done(null, payload));
  app.put(
    '/v1/artifacts/:sha256',
    {
      schema: {
        tags: TAGS,
        summary: 'Upload a file under its SHA-256',
        params: pathSchema,
        response: { 200: artifactSchema, 201: artifactSchema },
      },
      config: { needs: 'operate', scope: 'somewhere', takes: BYTES, problems: ['artifact-mismatch', 'storage-full'] },
    },
    async (request, reply) => {
      const content = request.body as Readable | undefined;
      if (!content) throw new ProblemError('unsupported-media-type', 'send the bytes as application/octet-stream');
      const { sha256 } = request.params;
      const stored = await registry.putArtifact(sha256, content);
      if (stored.kind === 'stored') {
        return reply.code(stored.created ? 201 : 200).send({ sha256, bytes: stored.bytes, created: stored.created });
      }
      reply.header('connection', 'close'); // the rest of the body is not read
      throw new ProblemError(stored.reason === 'mismatch' ? 'artifact-mismatch' : 'body-too-large', stored.detail);
    },
  );
  // HEAD has a route of its own: the one fastify derives from GET would read the file to its end.
  for (const method of ['HEAD', 'GET'] as const) {
    app.route({
      method,
      url: '/v1/artifacts/:sha256',
      exposeHeadRoute: false,
      schema: {
        tags: TAGS,
        summary: method === 'GET' ? 'Download a file, or a range of it' : 'Whether a file is there, and its size',
        params: pathSchema,
      },
      config: { needs: 'device', problems: ['not-found', 'range-not-satisfiable'], sends: { 200: BYTES, 206: BYTES } },
      handler: (request, reply) => sendArtifact({ registry, request, reply, sha256: request.params.sha256 }),
    });
  }
}

type Download = {
  readonly registry: Registry;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly sha256: string;
};

async function sendArtifact({ registry, request, reply, sha256 }: Download): Promise<FastifyReply> {
  const bytes = await registry.artifacts.size(sha256);
  if (bytes === null) throw new ProblemError('not-found', `no artifact ${sha256}`);
  const etag = `"${sha256}"`;
  reply
    .header('content-type', BYTES)
    .header('accept-ranges', 'bytes')
    .header('etag', etag)
    .header('cache-control', 'public, max-age=31536000, immutable');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const range = readRange({ header: request.headers.range, ifRange: request.headers['if-range'], etag, bytes });
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${bytes}`);
    throw new ProblemError('range-not-satisfiable', `${request.headers.range} of ${bytes} bytes`);
  }
  if (range !== null) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${bytes}`);
  reply.header('content-length', range === null ? bytes : range.end - range.start + 1);
  return request.method === 'HEAD' ? reply.send() : reply.send(registry.artifacts.stream(sha256, range));
}

type RangeRequest = {
  readonly header: string | undefined;
  readonly ifRange: string | string[] | undefined;
  readonly etag: string;
  readonly bytes: number;
};

/** One range of RFC 9110 §14; anything else (several ranges, other units) is answered with the whole file. */
export function readRange({ header, ifRange, etag, bytes }: RangeRequest): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (ifRange !== undefined && ifRange !== etag)) return null;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return null;
  if (from === '') {
    const last = Number(to);
    return last === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - last), end: bytes - 1 };
  }
  const start = Number(from);
  const end = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== '' && Number(to) < start) return null;
  return start >= bytes ? 'unsatisfiable' : { start, end };
}
