// The HTTP server: zod at the door, OpenAPI 3.1 at /openapi.json, problem+json for everything that goes wrong.
// Routes are registered by the caller; nothing is decided here.

import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { isTooDeep, TOO_DEEP } from '../../shared/basics/parsing.ts';
import type { ProblemCode } from '../../shared/protocol/api-problems.ts';
import type { Access } from './access.ts';
import { type AnswerShelfParts, installAnswerShelf } from './answer-shelf.ts';
import type { HttpApp } from './app.ts';
import { guardRoutes } from './authenticate.ts';
import { describeApi } from './openapi.ts';
import { installFields } from './paging.ts';
import { sendProblemPage } from './problem-page.ts';
import { ProblemError, sendProblem, toProblem } from './problems.ts';
import { installTags } from './versions.ts';

export type { HttpApp } from './app.ts';

export type HttpOptions = {
  readonly version: string;
  readonly log: FastifyBaseLogger;
  /** Answers only requests whose Host is this machine: a page in a browser cannot rebind a name onto it. */
  readonly loopbackOnly: boolean;
  /** Who may call what; every route says in its `config.needs` what it needs. */
  readonly access: Access;
  /** Sends lists again that have not changed; without it every answer is made anew. */
  readonly answers?: AnswerShelfParts;
};

/** JSON bodies: a manifest of 1,000 labels is 60 KB. Artifacts are streams and have their own limit. */
const BODY_BYTES_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 10 * 60_000;

export async function buildServer(options: HttpOptions): Promise<HttpApp> {
  const app: HttpApp = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300, ignoreTrailingSlash: true },
    // An address that cannot be read never reaches a route, nor the error handler.
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, toProblem(error)),
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain'); // a form post from a foreign page could carry it
  app.addHook('preValidation', async (request) => refuseDeepBody(request.body));
  if (options.loopbackOnly) app.addHook('onRequest', async (request) => refuseForeignHost(request.hostname));
  await app.register(cookie);
  guardRoutes(app, options.access);
  answerProblems(app);
  installFields(app);
  if (options.answers) installAnswerShelf(app, options.answers);
  installTags(app);
  await app.register(swagger, describeApi(options.version));
  app.get('/openapi.json', { schema: { hide: true }, config: { needs: 'public' } }, async () => app.swagger());
  app.get('/problems/:code', { schema: { hide: true }, config: { needs: 'public' } }, async (request, reply) =>
    sendProblemPage(request, reply),
  );
  return app;
}

function refuseForeignHost(hostname: string): void {
  const isLoopback =
    hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'));
  if (!isLoopback) throw new ProblemError('invalid-request', `host "${hostname}" is not this machine`);
}

/** A stream is not a document; everything else was parsed from JSON. */
function refuseDeepBody(body: unknown): void {
  if (body instanceof Readable || !isTooDeep(body)) return;
  throw new ProblemError('invalid-request', 'the body is not valid', [{ path: '', message: TOO_DEEP }]);
}

function answerProblems(app: HttpApp): void {
  const routes: { readonly methods: readonly string[]; readonly pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    const pattern = new RegExp(`^${url.replaceAll(/:[A-Za-z]+/g, '[^/]+').replaceAll('*', '.*')}/?$`);
    routes.push({ methods: [method].flat(), pattern });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = routes.filter((route) => route.pattern.test(path)).flatMap((route) => route.methods);
    const code: ProblemCode = methods.length > 0 ? 'method-not-allowed' : 'unknown-route';
    if (methods.length > 0) reply.header('allow', [...new Set(methods)].join(', '));
    return sendProblem(request, reply, new ProblemError(code, `${request.method} ${path}`));
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.problem === 'internal') {
      request.log.error(
        { err: error, requestId: request.id, method: request.method, url: request.url },
        'request failed',
      );
    }
    return sendProblem(request, reply, problem);
  });
}
