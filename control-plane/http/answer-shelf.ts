// Lists that many ask for again and again, while nothing has changed: the bytes of the last answer are sent again. Only routes
// with `config.repeats` are, only to who has the same rights, and never after a change: the revision says whether there was one.
import type { FastifyRequest } from 'fastify';
import type { HttpApp } from './app.ts';
import { contentTag, isKnownAs } from './versions.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answer is made of nothing but records, presence, the rights of who asks, and the time. */
    readonly repeats?: boolean;
  }
}

/** Changes whenever something that an answer is made of does. */
export type Revision = () => string;

export type AnswerShelfParts = {
  readonly revision: Revision;
  /** Milliseconds that only grow. */
  readonly now: () => number;
};

/** What time alone changes, such as a device that falls silent, is seen this much later. */
const KEPT_MS = 1000;
const ANSWERS_MAX = 16;
const CHARACTERS_MAX = 1_000_000;

type Answer = {
  readonly revision: string;
  readonly madeAtMs: number;
  readonly tag: string;
  readonly type: string;
  readonly body: Buffer;
};

/** To be called when who asks is known by the hooks before, and before the hook that tags answers. */
export function installAnswerShelf(app: HttpApp, { revision, now }: AnswerShelfParts): void {
  const answers = new Map<string, Answer>();
  const asked = new WeakMap<FastifyRequest, { readonly revision: string; readonly madeAtMs: number }>();
  app.addHook('onRequest', async (request, reply) => {
    if (!isRepeated(request)) return;
    const at = { revision: revision(), madeAtMs: now() };
    const key = keyOf(request);
    const answer = answers.get(key);
    const isSame = answer?.revision === at.revision;
    if (!isSame || at.madeAtMs - answer.madeAtMs > KEPT_MS) {
      asked.set(request, at);
      // Of many who ask when only time has passed, one makes it anew; the others are not kept waiting.
      if (isSame) answers.set(key, { ...answer, madeAtMs: at.madeAtMs });
      return;
    }
    if (isKnownAs(answer.tag, request, reply)) return reply.send();
    return reply.type(answer.type).send(answer.body);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const at = asked.get(request);
    if (at === undefined || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    if (payload.length > CHARACTERS_MAX) return payload;
    const tag = contentTag(payload);
    const type = String(reply.getHeader('content-type'));
    answers.delete(keyOf(request));
    answers.set(keyOf(request), { ...at, tag, type, body: Buffer.from(payload) });
    for (const oldest of answers.keys()) {
      if (answers.size <= ANSWERS_MAX) break;
      answers.delete(oldest);
    }
    return isKnownAs(tag, request, reply) ? null : payload;
  });
}

/** What leaves members out is made from the whole answer, each time. */
function isRepeated({ is404, method, query, routeOptions }: FastifyRequest): boolean {
  if (is404 || method !== 'GET' || routeOptions.config.repeats !== true) return false;
  return (query as { readonly fields?: unknown } | undefined)?.fields === undefined;
}

function keyOf({ identity: { grants, mayKill }, url }: FastifyRequest): string {
  return `${JSON.stringify([grants, mayKill])} ${url}`;
}
