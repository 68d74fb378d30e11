// Cursors of lists, and `?fields=`. A cursor is the place of the last entry that was sent, so that a list which grows meanwhile
// shows nothing twice and leaves nothing out. Opaque to callers: what is in it may change.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { HttpApp } from './app.ts';
import { ProblemError } from './problems.ts';

export function writeCursor(list: string, place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString('base64url');
}

/** Null: from the beginning. Throws on a cursor of another list. */
export function readCursor<T extends z.ZodType>(list: string, cursor: string | undefined, place: T): z.infer<T> | null {
  if (cursor === undefined) return null;
  const read = parseCursor(cursor);
  const parsed = read?.[0] === list ? place.safeParse(read.slice(1)) : undefined;
  if (parsed?.success) return parsed.data;
  throw new ProblemError('invalid-request', 'the query is not valid', [
    { path: 'cursor', message: `is no nextCursor of ${list}; leave it out to begin at the beginning` },
  ]);
}

function parseCursor(cursor: string): readonly unknown[] | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}

/** One more than asked was read: then there is a next page. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  placeOf: (row: T) => string,
): { readonly rows: readonly T[]; readonly nextCursor?: string } {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  if (last === undefined) return { rows };
  return { rows: rows.slice(0, limit), nextCursor: placeOf(last) };
}

/** `?fields=` on every route whose query knows it: entries of its list with these members only. */
export function installFields(app: HttpApp): void {
  app.addHook('preValidation', async (request) => {
    const fields = fieldsOf(request);
    const list = fields === null ? null : listOf(request);
    if (fields === null || list === null) return;
    const unknown = fields.filter((field) => !list.members.includes(field));
    if (unknown.length === 0) return;
    const message = `does not know ${unknown.join(', ')}; known: ${list.members.join(', ')}`;
    throw new ProblemError('invalid-request', 'the query is not valid', [{ path: 'fields', message }]);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const fields = fieldsOf(request);
    const list = fields === null ? null : listOf(request);
    if (fields === null || list === null) return payload;
    const answer = JSON.parse(payload) as Record<string, unknown>;
    const entries = answer[list.key] as readonly Record<string, unknown>[];
    const only = (entry: Record<string, unknown>) =>
      Object.fromEntries(fields.flatMap((field) => (field in entry ? [[field, entry[field]]] : [])));
    return JSON.stringify({ ...answer, [list.key]: entries.map(only) });
  });
}

function fieldsOf(request: FastifyRequest): readonly string[] | null {
  const { fields } = (request.query ?? {}) as { readonly fields?: unknown };
  return typeof fields === 'string' && fields !== '' ? fields.split(',').map((field) => field.trim()) : null;
}

/** The list in the answer of a route, and what its entries have. */
function listOf({
  routeOptions,
}: FastifyRequest): { readonly key: string; readonly members: readonly string[] } | null {
  const { querystring, response } = routeOptions.schema ?? {};
  if (!(querystring instanceof z.ZodObject) || !('fields' in querystring.shape)) return null;
  const answer = (response as Readonly<Record<number, unknown>> | undefined)?.[200];
  if (!(answer instanceof z.ZodObject)) return null;
  for (const [key, schema] of Object.entries(answer.shape)) {
    if (!(schema instanceof z.ZodArray) || !(schema.element instanceof z.ZodObject)) continue;
    return { key, members: Object.keys(schema.element.shape) };
  }
  return null;
}
