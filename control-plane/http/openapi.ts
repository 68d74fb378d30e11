// What /openapi.json says beyond the schemas of a route: its problems, and bodies that are not JSON. Documentation only.
import type { FastifyDynamicSwaggerOptions, SwaggerTransform, SwaggerTransformObject } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemCode } from '../../shared/protocol/api-problems.ts';
import { canDryRun, isChange, isIdempotentByNature, isTriedByRoute } from './effects.ts';
import type { Needs } from './needs.ts';
import { nameComponents, usedComponents } from './openapi-components.ts';
import { API_DESCRIPTION, API_TAGS, API_TITLE, BODY_EXAMPLES } from './openapi-words.ts';
import { operationIdOf } from './operations.ts';

type Described = {
  /** What this route may refuse; those that follow from its body, query and path are added. */
  readonly problems?: readonly ProblemCode[];
  /** Content type of bytes that it takes, where that is not JSON. */
  readonly takes?: string;
  /** Answers that are sent as they are stored: status → content type. */
  readonly sends?: Readonly<Record<number, string>>;
};

declare module 'fastify' {
  // Fastify is told of route settings by merging into its interface.
  interface FastifyContextConfig extends Described {}
}

/** How a caller says who they are; every operation names those that it takes. */
const SECURITY_SCHEMES = {
  session: { type: 'apiKey', in: 'cookie', name: 'belay_session', description: 'A person who has signed in' },
  token: { type: 'http', scheme: 'bearer', description: 'An API token' },
  device: { type: 'http', scheme: 'basic', description: 'A device: site/device and its password' },
} as const;

/** For @fastify/swagger. */
export function describeApi(version: string): FastifyDynamicSwaggerOptions {
  const schemaRegistry = nameComponents();
  const transformObject = createJsonSchemaTransformObject({ schemaRegistry }) as SwaggerTransformObject;
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: API_TITLE,
        version,
        description: API_DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [...API_TAGS],
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transform: describeRouteWith(createJsonSchemaTransform({ schemaRegistry }) as unknown as SwaggerTransform),
    transformObject: (document) => inOrder(transformObject(document) as Description),
  };
}

type Description = {
  readonly paths?: Readonly<Record<string, unknown>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
};

/** By name: what one room adds moves nothing of another. */
function inOrder(description: Description): ReturnType<SwaggerTransformObject> {
  const { paths = {}, components = {} } = description;
  const schemas = usedComponents(components.schemas ?? {}, paths);
  const sorted = Object.fromEntries(Object.entries(paths).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return {
    ...description,
    components: { ...components, schemas },
    paths: sorted,
  } as ReturnType<SwaggerTransformObject>;
}

/** As the transform of the schemas, with everything that a caller can send and be answered. */
function describeRouteWith(transform: SwaggerTransform): SwaggerTransform {
  return (document) => {
    const { schema, url } = transform(document);
    const route = schema as Record<string, unknown> | undefined;
    if (!route || route.hide === true) return { schema, url };
    const { config, method } = document.route;
    const verb = [method].flat()[0] ?? '';
    const operationId = operationIdOf(verb, document.url);
    const { problems = [], takes, sends = {}, needs = 'public' } = config ?? {};
    if (takes) Object.assign(route, { consumes: [takes], body: { type: 'string', format: 'binary' } });
    else giveExample(route, BODY_EXAMPLES[operationId]);
    const ofAccess: readonly ProblemCode[] = needs === 'public' ? [] : ['sign-in-needed', 'forbidden'];
    const ofHabits = describeConventions(route, `${verb} ${document.url}`);
    const codes = [...problems, ...ofAccess, ...ofHabits, ...impliedProblems(route)];
    const answers = describeAnswers(route.response as Readonly<Record<string, object>> | undefined);
    route.response = { ...describeBytes(sends), ...answers, ...describeProblems(codes) };
    Object.assign(route, { operationId, security: securityOf(needs) });
    return { schema: route, url } as ReturnType<SwaggerTransform>;
  };
}

function securityOf(needs: Needs): readonly object[] {
  if (needs === 'public') return [];
  if (needs === 'device') return [{ device: [] }, { session: [] }, { token: [] }];
  return [{ session: [] }, { token: [] }];
}

function giveExample({ body }: Record<string, unknown>, example: unknown): void {
  if (example !== undefined && typeof body === 'object' && body !== null) Object.assign(body, { examples: [example] });
}

/** Headers and parameters that no route asks for by itself; the problems that come with them. */
function describeConventions(route: Record<string, unknown>, name: string): readonly ProblemCode[] {
  if (!isChange(name.split(' ', 1)[0] ?? '', name)) return [];
  const headers: Record<string, object> = {};
  const codes: ProblemCode[] = [];
  if (!isIdempotentByNature(name)) {
    const description = 'The same key is the same act for 24 hours, and gets the same answer';
    headers['idempotency-key'] = { type: 'string', minLength: 1, maxLength: 200, description };
    codes.push('key-reused', 'in-flight', 'outcome-unknown');
  }
  if (VERSIONED.has(name))
    headers['if-match'] = { type: 'string', description: 'ETag of what was read; * means whatever it is now' };
  if (canDryRun(name)) {
    const dryRun = { type: 'boolean', default: false, description: 'Say what would happen, and write nothing' };
    const { properties = {} } = (route.querystring ?? {}) as { readonly properties?: object };
    route.querystring = { type: 'object', ...(route.querystring as object), properties: { ...properties, dryRun } };
    if (!isTriedByRoute(name)) route.response = withDryRun(route.response as Readonly<Record<string, object>>);
  }
  if (Object.keys(headers).length > 0) route.headers = { type: 'object', properties: headers };
  return codes;
}

/** A try is answered with 200, whatever the act itself is answered with. */
function withDryRun(answers: Readonly<Record<string, object>> = {}): Readonly<Record<string, object>> {
  const tried = { $ref: '#/components/schemas/DryRun' };
  return { ...answers, 200: answers['200'] === undefined ? tried : { anyOf: [answers['200'], tried] } };
}

const VERSIONED: ReadonlySet<string> = new Set([
  'POST /v1/rollouts/:id/:verb',
  'PUT /v1/rollouts/:id',
  'POST /v1/rollouts/:id/revisions/:number/:verb',
  'POST /v1/releases/:digest/state',
  'POST /v1/incidents/:id/annotate',
]);

const ANSWERED: Readonly<Record<string, string>> = {
  200: 'Done, or what was asked for',
  201: 'It was not there before, and is now',
  202: 'It has begun',
  503: 'It does not work',
};

function describeAnswers(answers: Readonly<Record<string, object>> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => {
      const description = ANSWERED[status] ?? 'Answered';
      return [status, 'content' in schema ? schema : { description, content: { 'application/json': { schema } } }];
    }),
  );
}

function impliedProblems({ body, querystring, params }: Record<string, unknown>): readonly ProblemCode[] {
  const ofBody: readonly ProblemCode[] = body ? ['body-too-large', 'unsupported-media-type'] : [];
  const ofInput: readonly ProblemCode[] = body || querystring || params ? ['invalid-request'] : [];
  return [...ofInput, ...ofBody, 'internal'];
}

function describeBytes(sends: Readonly<Record<number, string>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(sends).map(([status, contentType]) => [
      status,
      { description: 'The bytes as they are stored', content: { [contentType]: { schema: {} } } },
    ]),
  );
}

/** One answer for each status; its description names the problems that have it. */
function describeProblems(codes: readonly ProblemCode[]): Record<string, unknown> {
  const schema = { $ref: '#/components/schemas/Problem' };
  const answers: Record<string, unknown> = {};
  for (const status of new Set(codes.map((code) => PROBLEMS[code].status))) {
    const named = [...new Set(codes)].filter((code) => PROBLEMS[code].status === status);
    answers[status] = {
      description: named.map((code) => `${PROBLEMS[code].title} (${code})`).join('; '),
      content: { [PROBLEM_CONTENT_TYPE]: { schema } },
    };
  }
  return answers;
}
