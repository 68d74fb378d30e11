// The site cache over HTTP: the two paths of the control plane's registry that agents download from, and /healthz.
// While it fetches an artifact itself it answers 503 with how much it has, so that agents wait instead of all going upstream.
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { PROGRESS_HEADER } from '../artifacts/download.ts';
import type { CacheStore } from './cache-store.ts';

const PATH = /^\/v1\/(manifests|artifacts)\/([0-9a-f]{64})$/;
const RETRY_AFTER_S = 1;
/** Devices of a site; more wait in the kernel's queue. */
const CONNECTIONS_MAX = 256;

export type CacheServerOptions = {
  readonly store: CacheStore;
  readonly onError: (what: string, error: unknown) => void;
};

export function makeCacheServer(options: CacheServerOptions): Server {
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      options.onError(`answering ${request.url?.slice(0, 100)}`, error);
      if (response.headersSent) response.destroy();
      else say(response, 500, 'the site cache has failed; see its log');
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

async function answer(
  { store }: CacheServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return say(response, 405, 'this is a cache: only GET and HEAD');
  if (request.url === '/healthz') return say(response, 200, 'ok');
  const [, kind, digest] = PATH.exec(request.url ?? '') ?? [];
  if (digest === undefined) return say(response, 404, 'there are /v1/manifests/DIGEST and /v1/artifacts/SHA256');
  if (kind === 'manifests') return answerManifest(store, digest, response);
  return answerArtifact(store, digest, { request, response });
}

async function answerManifest(store: CacheStore, digest: string, response: ServerResponse): Promise<void> {
  const found = await store.manifest(digest);
  if (found.kind === 'failed') return say(response, found.isFinal ? 404 : 502, found.reason);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': found.bytes.byteLength });
  response.end(found.bytes);
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

async function answerArtifact(store: CacheStore, sha256: string, { request, response }: Exchange): Promise<void> {
  const found = await store.artifact(sha256);
  if (found.kind === 'unknown') return say(response, 404, `ask for a manifest that names ${sha256.slice(0, 12)} first`);
  if (found.kind === 'fetching') {
    response.setHeader('retry-after', RETRY_AFTER_S);
    response.setHeader(PROGRESS_HEADER, found.progressBytes);
    return say(response, 503, `being fetched: ${found.progressBytes} bytes so far`);
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start >= found.bytes && start > 0) return say(response, 416, `it has ${found.bytes} bytes`);
  const isRange = start > 0;
  response.writeHead(isRange ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': found.bytes - start,
    'accept-ranges': 'bytes',
    ...(isRange ? { 'content-range': `bytes ${start}-${found.bytes - 1}/${found.bytes}` } : {}),
  });
  if (request.method === 'HEAD') return void response.end();
  // A device that goes away in the middle comes again with a range.
  await pipeline(createReadStream(found.path, { start }), response).catch(() => response.destroy());
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
