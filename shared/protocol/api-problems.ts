// Problems of the HTTP API (RFC 9457, application/problem+json): one catalogue, each with a stable type and a fix.
import { z } from 'zod';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';
const TYPE_PREFIX = '/problems/';

/** What can go wrong, its status, and what to do about it. `type` on the wire is `/problems/<code>`. */
export const PROBLEMS = {
  'not-found': {
    status: 404,
    title: 'No such thing',
    fix: 'List what there is, and check the name for a typing error.',
  },
  'unknown-route': { status: 404, title: 'No such route', fix: 'GET /openapi.json lists every route.' },
  'method-not-allowed': {
    status: 405,
    title: 'This route has no such method',
    fix: 'GET /openapi.json lists every route.',
  },
  'invalid-request': { status: 400, title: 'The request is not valid', fix: 'Correct every mistake listed in errors.' },
  'body-too-large': {
    status: 413,
    title: 'The body is too large',
    fix: 'Send less; artifacts go to PUT /v1/artifacts.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of an unknown type',
    fix: 'Send application/json, and application/octet-stream for artifacts.',
  },
  'sign-in-needed': {
    status: 401,
    title: 'Nobody is signed in',
    fix: 'People: /sign-in, or belay login. Programs: an API token (belay token create) as "Authorization: Bearer".',
  },
  forbidden: {
    status: 403,
    title: 'A role is missing',
    fix: 'Ask somebody with the role admin to give the role that is named (belay account), or somebody who has it to do this.',
  },
  csrf: {
    status: 403,
    title: 'It does not come from a page of this control plane',
    fix: 'Load the page again and repeat it there; programs use an API token.',
  },
  'too-many-attempts': {
    status: 429,
    title: 'Too many attempts to sign in',
    fix: 'Wait as long as Retry-After says; who is signed in already is not concerned, nor are API tokens.',
  },
  'release-refused': {
    status: 422,
    title: 'The release was refused',
    fix: 'Correct it; belay release check FOLDER (POST /v1/releases/check) looks at everything without registering.',
  },
  'release-taken': {
    status: 409,
    title: 'This release number is taken by another release',
    fix: 'Releases are immutable: register it under the next version.',
  },
  'ambiguous-reference': { status: 409, title: 'The reference fits several releases', fix: 'Add +data=<tag>.' },
  'artifact-mismatch': {
    status: 422,
    title: 'The bytes are not what their name says',
    fix: 'Upload again; the name is the SHA-256 of the bytes.',
  },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside the file', fix: 'Ask for bytes inside it.' },
  'storage-full': { status: 507, title: 'No space left to store this', fix: 'Free space in the data folder.' },
  conflict: {
    status: 409,
    title: 'It has changed, or is not in a state for this',
    fix: 'Look at it again, then decide.',
  },
  'pictures-off': {
    status: 403,
    title: 'Pictures are off here',
    fix: 'An admin of the site turns them on: Settings, Sites, or belay site set SITE --pictures on --reason TEXT.',
  },
  'device-away': {
    status: 409,
    title: 'The device cannot give pictures now',
    fix: 'Look at its page or belay device explain SITE/DEVICE for why, and ask again when it is there.',
  },
  'too-many-kills': {
    status: 409,
    title: 'Too many kills are in force here',
    fix: 'Kill the whole fleet or site instead, or re-arm kills that are over.',
  },
  'kill-not-sent': {
    status: 503,
    title: 'The kill could not be published',
    fix: 'It is kept and sent again every few seconds; use the local kill file on devices that matter most.',
  },
  'precondition-required': {
    status: 428,
    title: 'Say which version this is meant for',
    fix: 'Read it, look at it, and send its ETag as If-Match; If-Match: * means whatever it is now.',
  },
  'precondition-failed': {
    status: 412,
    title: 'It has changed since it was read',
    fix: 'Read it again; etag in this answer is its present version. Then decide again.',
  },
  'key-reused': {
    status: 422,
    title: 'This Idempotency-Key belongs to another request',
    fix: 'Use a new key for every act; the same key only to repeat the very same request.',
  },
  'in-flight': {
    status: 409,
    title: 'The same request is being answered now',
    fix: 'Wait for its answer, then repeat it with the same key: you get that answer.',
  },
  'outcome-unknown': {
    status: 409,
    title: 'The answer to this request is not kept',
    fix: 'Look whether it was done. If it was not, ask again with a new Idempotency-Key.',
  },
  'no-dry-run': {
    status: 422,
    title: 'This cannot be tried without doing it',
    fix: 'Leave dryRun out. GET /openapi.json lists what can be tried.',
  },
  unavailable: {
    status: 503,
    title: 'A part that this needs is not there',
    fix: 'Try again; GET /v1/status says more.',
  },
  internal: { status: 500, title: 'Something failed here', fix: 'The log of the control plane has the cause.' },
} as const satisfies Record<string, { status: number; title: string; fix: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  /** What to do next. */
  fix: z.string(),
  instance: z.string(),
  requestId: z.string(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })),
  /** Of a precondition that failed: what it is now, to be sent as If-Match. */
  etag: z.string().optional(),
});
export type ProblemDocument = z.infer<typeof problemSchema>;

export function problemType(code: ProblemCode): string {
  return `${TYPE_PREFIX}${code}`;
}
