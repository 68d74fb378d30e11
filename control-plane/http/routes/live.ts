// /v1/live and /v1/events: the fleet as it is now, and what changes. Translation only; the live room knows.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  type LiveChange,
  type LiveSnapshot,
  liveQuerySchema,
  liveSnapshotSchema,
} from '../../../shared/protocol/api-live.ts';
import { maySomewhere } from '../../../shared/protocol/permissions.ts';
import type { Batch } from '../../live/change-ring.ts';
import type { Live } from '../../live/live.ts';
import { isSeen, readTopics, type Sight, seenSnapshot, sightOf, sitesSeenBy } from '../../live/sight.ts';
import { type EventStream, openEventStream } from '../event-stream.ts';
import { ProblemError } from '../problems.ts';
import type { HttpApp } from '../server.ts';

const TAGS = ['live'];
/** So often a reader hears something, also when nothing happens: silence of twice that is a fault. */
const HEARTBEAT_MS = 5000;
const RETRY_MS = 1000;
/** Streams at a time; each browser has one. */
const STREAMS_MAX = 500;

const eventsHeadersSchema = z.looseObject({ 'last-event-id': z.string().max(100).optional() });

export type LiveRouteParts = {
  readonly live: Live;
  readonly wallNow: () => number;
};

export function registerLiveRoutes(app: HttpApp, parts: LiveRouteParts): void {
  const sitesOfRollout = (id: string) => parts.live.sitesOfRollout(id);
  app.get(
    '/v1/live',
    {
      schema: {
        tags: TAGS,
        summary: 'The fleet as it is now: every device, what goes on, and the revision from which /v1/events goes on',
        response: { 200: liveSnapshotSchema },
      },
      config: { needs: 'view' },
    },
    // Sent as text: ten thousand devices that were just made here need no second look.
    async (request, reply) =>
      reply
        .header('cache-control', 'no-store')
        .serializer((snapshot: LiveSnapshot) => JSON.stringify(snapshot))
        .send(seenSnapshot(parts.live.snapshot(), sitesSeenBy(request.identity), sitesOfRollout)),
  );
  registerEvents(app, parts);
}

function registerEvents(app: HttpApp, { live, wallNow }: LiveRouteParts): void {
  const open = new Set<OpenStream>();
  const unfollow = live.follow((batch) => broadcast(open, batch, live));
  // Before the server waits for its connections to end: these would not by themselves.
  app.addHook('preClose', async () => {
    unfollow();
    for (const { stream } of open) stream.end();
  });
  app.get(
    '/v1/events',
    {
      schema: {
        tags: TAGS,
        summary:
          'Server-Sent Events: `changes` (topics: device, rollout, kill, incident, release, audit), `beat`, and `reset` when the past is no longer known',
        querystring: liveQuerySchema,
        headers: eventsHeadersSchema,
      },
      config: { needs: 'view', problems: ['unavailable'], sends: { 200: 'text/event-stream' } },
    },
    async (request, reply) => {
      const read = readTopics(request.query.topics);
      if (read.kind === 'unknown')
        throw new ProblemError('invalid-request', `no topic is called "${read.word}"`, [
          { path: 'topics', message: 'use device, rollout, kill, incident, release or audit, with commas' },
        ]);
      if (open.size >= STREAMS_MAX) throw new ProblemError('unavailable', `${STREAMS_MAX} streams are open already`);
      const sight = sightOf(read.topics, sitesSeenBy(request.identity));
      const stream = openEventStream(reply, {
        retryMs: RETRY_MS + Math.round(Math.random() * RETRY_MS),
        heartbeatMs: HEARTBEAT_MS,
        beat: () => {
          look(opened, request);
          return JSON.stringify({ nowMs: wallNow() });
        },
        onEnd: () => open.delete(opened),
      });
      const opened: OpenStream = { stream, sight, revision: live.revision };
      open.add(opened);
      begin(opened, live, { lastId: request.headers['last-event-id'], nowMs: wallNow() });
      return reply;
    },
  );
}

type OpenStream = { readonly stream: EventStream; sight: Sight; revision: number };

/** Who may see less than before sees less with the next heartbeat; who may see nothing any more has to sign in again. */
function look(opened: OpenStream, request: FastifyRequest): void {
  const asking = request.server.whoAsks(request);
  if (asking.kind !== 'known' || !maySomewhere(asking.caller, 'view')) opened.stream.end();
  else opened.sight = sightOf(opened.sight.topics, sitesSeenBy(asking.caller));
}

/** Goes on where the reader was cut off; else says from where it counts. */
function begin(
  opened: OpenStream,
  live: Live,
  { lastId, nowMs }: { readonly lastId: string | undefined; readonly nowMs: number },
): void {
  const { stream, sight, revision } = opened;
  const { instance } = live;
  const sitesOf = (id: string) => live.sitesOfRollout(id);
  // What is not of our making is no revision, and so no place to go on from.
  const [, lastInstance = '', lastRevision = 'none'] = /^([^.]+)\.(\d{1,15})$/.exec(lastId ?? '') ?? [];
  const missed = lastId === undefined ? [] : live.since(lastInstance, Number(lastRevision));
  if (missed === null) stream.send({ event: 'reset', data: JSON.stringify({ instance, revision, nowMs }) });
  const after = lastId === undefined || missed === null ? revision : Number(lastRevision);
  const changes = (missed ?? []).filter((change) => isSeen(sight, change, sitesOf));
  const data = JSON.stringify({ instance, after, revision, nowMs, changes });
  stream.send({ id: `${instance}.${revision}`, event: 'changes', data });
}

/** The text of the changes is made once for all who see the same. */
function broadcast(open: ReadonlySet<OpenStream>, { revision, nowMs, changes }: Batch, live: Live): void {
  const sitesOf = (id: string) => live.sitesOfRollout(id);
  const texts = new Map<string, string | null>();
  for (const opened of open) {
    const { sight, stream } = opened;
    let text = texts.get(sight.key);
    if (text === undefined) {
      text = textOf(changes.filter((change) => isSeen(sight, change, sitesOf)));
      texts.set(sight.key, text);
    }
    if (text === null) continue;
    const head = `{"instance":"${live.instance}","after":${opened.revision},"revision":${revision},"nowMs":${nowMs}`;
    opened.revision = revision;
    stream.send({ id: `${live.instance}.${revision}`, event: 'changes', data: `${head},"changes":${text}}` });
  }
}

function textOf(changes: readonly LiveChange[]): string | null {
  return changes.length === 0 ? null : JSON.stringify(changes);
}
