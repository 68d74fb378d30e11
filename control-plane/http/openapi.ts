// What /openapi.json says beyond the schemas of a route: its problems, and bodies that are not JSON. Documentation only.
import type { SwaggerTransform } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { PROBLEM_CONTENT_TYPE, PROBLEMS, type ProblemCode, problemSchema } from '../../shared/protocol/api-problems.ts';

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

/** How a caller may say who it is. */
export const SECURITY_SCHEMES = {
  session: { type: 'apiKey', in: 'cookie', name: 'belay_session' },
  token: { type: 'http', scheme: 'bearer' },
  device: { type: 'http', scheme: 'basic' },
} as const;
const SECURITY = {
  people: [{ session: [] }, { token: [] }],
  device: [{ device: [] }, { session: [] }, { token: [] }],
} as const;

export const PROBLEM_COMPONENT = { Problem: z.toJSONSchema(problemSchema) as Record<string, unknown> };

/** As jsonSchemaTransform, with everything that a caller can be answered. */
export const describeRoute: SwaggerTransform = (document) => {
  const { schema, url } = jsonSchemaTransform(document as Parameters<typeof jsonSchemaTransform>[0]);
  const route = schema as Record<string, unknown> | undefined;
  if (!route || route.hide === true) return { schema, url } as ReturnType<SwaggerTransform>;
  const { problems = [], takes, sends = {}, needs = 'public' } = document.route.config ?? {};
  if (takes) Object.assign(route, { consumes: [takes], body: { type: 'string', format: 'binary' } });
  const ofAccess: readonly ProblemCode[] = needs === 'public' ? [] : ['sign-in-needed', 'forbidden'];
  const codes: readonly ProblemCode[] = [...problems, ...ofAccess, ...impliedProblems(route)];
  if (needs !== 'public') route.security = SECURITY[needs === 'device' ? 'device' : 'people'];
  route.response = { ...describeBytes(sends), ...(route.response as object), ...describeProblems(codes) };
  return { schema: route, url } as ReturnType<SwaggerTransform>;
};

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
