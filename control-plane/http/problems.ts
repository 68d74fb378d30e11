// How refusals and faults leave the HTTP edge: problem+json from one catalogue. Nothing internal is shown to callers.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { BelayError } from '../../shared/basics/errors.ts';
import type { Problem } from '../../shared/basics/parsing.ts';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemCode, problemType } from '../../shared/protocol/api-problems.ts';
import { sendRefusal, wantsPage } from './problem-html.ts';

/** Thrown by routes to answer with a problem; `detail` is for the person who called. */
export class ProblemError extends BelayError {
  readonly problem: ProblemCode;
  readonly errors: readonly Problem[];
  /** Present version, where it is about that. */
  readonly etag: string | null;

  constructor(problem: ProblemCode, detail: string, errors: readonly Problem[] = [], etag: string | null = null) {
    super(problem, detail);
    this.problem = problem;
    this.errors = errors;
    this.etag = etag;
  }
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ProblemError): FastifyReply {
  const { status, title, fix } = PROBLEMS[error.problem];
  const body = {
    type: problemType(error.problem),
    title,
    status,
    detail: error.message,
    fix,
    instance: request.url,
    requestId: request.id,
    errors: error.errors,
    ...(error.etag === null ? {} : { etag: error.etag }),
  };
  if (error.etag !== null) reply.header('etag', error.etag);
  reply.code(status).header('vary', 'accept');
  if (wantsPage(request)) return sendRefusal(reply, body);
  // Sent as text: a problem must get out whatever schema the route declares for its answers.
  return reply.header('content-type', PROBLEM_CONTENT_TYPE).send(JSON.stringify(body));
}

/** Anything thrown in a route as a problem; what is not the caller's doing becomes `internal`. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return invalidRequest(error);
  if (error instanceof BelayError && error.code === 'storage-full')
    return new ProblemError('storage-full', error.message);
  const code = (error as { readonly code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new ProblemError('body-too-large', message);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ProblemError('unsupported-media-type', message);
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return new ProblemError('invalid-request', message);
  return new ProblemError('internal', 'the request failed inside the control plane; its log has the cause');
}

const PART_WORDS: Readonly<Record<string, string>> = { body: 'body', params: 'path', querystring: 'query' };

function invalidRequest(error: {
  readonly validation: readonly { readonly instancePath: string; readonly message?: string | undefined }[];
  readonly validationContext?: string | undefined;
}): ProblemError {
  const errors = error.validation.map(({ instancePath, message }) => ({
    path: instancePath.replace(/^\//, '').replaceAll('/', '.'),
    message: message ?? 'is not valid',
  }));
  const part = PART_WORDS[error.validationContext ?? ''] ?? 'request';
  return new ProblemError('invalid-request', `the ${part} is not valid`, errors);
}
