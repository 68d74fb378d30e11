// One file over HTTP: resumed by range, hashed while streaming, bounded by the size that the manifest promises, no faster
// than the pace it is given. 5xx and a broken connection are tried again with jittered back-off; 4xx is final; wrong bytes
// are never kept.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '../../shared/basics/errors.ts';
import type { BlockedKind } from '../core/state.ts';
import { isDiskFull, makeFolder, sizeOf, syncFolder } from './files.ts';
import type { Pace } from './pace.ts';

/** Tries in a row before the step gives up; the control loop then waits longer and asks again. */
const TRIES_MAX = 4;
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 8_000;
/** No byte for this long: the connection is dead, whatever TCP thinks. */
const SILENCE_MS_MAX = 20_000;
/** A server may ask for so much patience at a time. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Manifests are a few kilobytes; this is only a bound. */
export const MANIFEST_BYTES_MAX = 512 * 1024;

export type Failure = {
  readonly kind: 'failed';
  readonly failure: BlockedKind;
  readonly reason: string;
  readonly isFinal: boolean;
  /** What the server asks to wait before the next try. */
  readonly retryAfterMs?: number;
  /** A site cache that is still fetching the file itself: how much it has. */
  readonly progressBytes?: number;
};

export type Wanted = { readonly url: string; readonly path: string; readonly sha256: string; readonly bytes: number };

export type DownloadParts = {
  readonly signal: AbortSignal;
  /** 0..1; spreads the retries of a fleet. */
  readonly random: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly pace: Pace;
  /** Who asks, as the header says it. Never for a cache: it is somebody else. */
  readonly authorization?: string | undefined;
};

/** Said by a site cache beside 503 while it fetches the file itself. */
export const PROGRESS_HEADER = 'belay-progress-bytes';

/** Brings the file to `path`, or says why not. A half-loaded `.part` stays for the next try. */
export async function download(wanted: Wanted, parts: DownloadParts): Promise<{ readonly kind: 'here' } | Failure> {
  await makeFolder(dirname(wanted.path));
  return tryAgain(wanted.url, parts, () => tryOnce(wanted, parts));
}

/** A small document, whole in memory; the same rules, no resume. */
export function downloadBytes(
  url: string,
  parts: DownloadParts,
): Promise<{ readonly kind: 'bytes'; readonly bytes: Uint8Array } | Failure> {
  return tryAgain(url, parts, () => tryBytes(url, parts));
}

/** Tries that bring nothing are bounded; while a site cache is seen to fetch, patience costs nothing. */
async function tryAgain<T extends { readonly kind: string }>(
  url: string,
  parts: DownloadParts,
  attempt: () => Promise<T | Failure>,
): Promise<T | Failure> {
  let last: Failure = transient(`${url}: not tried`);
  let progress = -1;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (tries > 0) await parts.wait(waitMs(last, tries, parts.random()), parts.signal);
    if (parts.signal.aborted) return transient(`${url}: cancelled`);
    if (parts.pace.left() <= 0) return outOfBudget(url, parts.pace);
    const result = await attempt();
    if (!isFailure(result) || result.isFinal) return result;
    last = result;
    if ((last.progressBytes ?? -1) > progress) tries = 0;
    progress = last.progressBytes ?? progress;
  }
  return last;
}

function isFailure(result: { readonly kind: string }): result is Failure {
  return result.kind === 'failed';
}

function waitMs({ retryAfterMs }: Failure, tries: number, random: number): number {
  return retryAfterMs === undefined ? backoffMs(tries, random) : retryAfterMs * (0.8 + 0.4 * random);
}

function outOfBudget(url: string, pace: Pace): Failure {
  const renewed = new Date(pace.renewsAtMs()).toISOString();
  return transient(`${url}: the download budget of this device for a day is spent; it goes on after ${renewed}`);
}

export function transient(reason: string, failure: BlockedKind = 'download-failed'): Failure {
  return { kind: 'failed', failure, reason, isFinal: false };
}

export function final(reason: string, failure: BlockedKind = 'download-failed'): Failure {
  return { kind: 'failed', failure, reason, isFinal: true };
}

/** Full jitter over a doubling bound. */
function backoffMs(attempt: number, random: number): number {
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** attempt) * random;
}

async function tryBytes(url: string, { signal, pace, authorization }: DownloadParts) {
  const silence = watchSilence(signal);
  try {
    const response = await fetch(url, { headers: headersOf({ authorization }), signal: silence.signal });
    const refused = await refusalOf(response, url);
    if (refused) return refused;
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of bodyOf(response)) {
      silence.heard();
      length += piece.byteLength;
      if (length > MANIFEST_BYTES_MAX) return final(`${url}: longer than ${MANIFEST_BYTES_MAX} bytes`, 'bad-manifest');
      pieces.push(piece);
    }
    await pace.took(length, signal);
    return { kind: 'bytes' as const, bytes: Buffer.concat(pieces) };
  } catch (error) {
    return transient(`${url}: ${describeError(error)}`);
  } finally {
    silence.end();
  }
}

async function tryOnce(wanted: Wanted, parts: DownloadParts): Promise<{ kind: 'here' } | Failure> {
  const part = `${wanted.path}.part`;
  const silence = watchSilence(parts.signal);
  let file: FileHandle | null = null;
  try {
    const hash = createHash('sha256');
    const have = await resumeFrom(part, wanted.bytes, hash);
    file = await open(part, have === 0 ? 'w' : 'r+');
    const streamed = have === wanted.bytes ? have : await stream({ wanted, file, have, hash }, silence, parts);
    if (typeof streamed !== 'number') return streamed;
    if (streamed < wanted.bytes) return transient(`${wanted.url}: ended after ${streamed} of ${wanted.bytes} bytes`);
    return await keep({ wanted, file, have, hash });
  } catch (error) {
    const fault = describeFault(wanted, error);
    // On a full disk its place belongs to the state and the spool; a later fetch begins again when there is room.
    if (fault.failure === 'disk-full') await file?.truncate(0).catch(() => undefined);
    return fault;
  } finally {
    silence.end();
    await file?.close().catch(() => undefined);
  }
}

type Streaming = { readonly wanted: Wanted; readonly file: FileHandle; readonly have: number; readonly hash: Hash };

/** Appends what is missing. Returns how many bytes are there then. */
async function stream(into: Streaming, silence: Silence, parts: DownloadParts): Promise<number | Failure> {
  const { wanted, file, have, hash } = into;
  const range = have === 0 ? undefined : `bytes=${have}-`;
  const headers = headersOf({ authorization: parts.authorization, range });
  const response = await fetch(wanted.url, { headers, signal: silence.signal });
  const refused = await refusalOf(response, wanted.url);
  if (refused) return refused;
  // A server that knows no ranges sends everything again: the hash of what we have says nothing then.
  if (have > 0 && response.status !== 206) {
    await response.body?.cancel();
    await file.truncate(0);
    return transient(`${wanted.url}: the server sent no range; beginning again`);
  }
  let at = have;
  for await (const piece of bodyOf(response)) {
    silence.heard();
    if (at + piece.byteLength > wanted.bytes) {
      await file.truncate(0);
      return final(`${wanted.url}: longer than the ${wanted.bytes} bytes of the manifest`, 'wrong-digest');
    }
    await file.write(piece, 0, piece.byteLength, at);
    hash.update(piece);
    at += piece.byteLength;
    // Waiting for our own pace is no silence of the server's.
    silence.end();
    await parts.pace.took(piece.byteLength, parts.signal);
    // What the budget cuts off stays where it is; the next day goes on from there.
    if (parts.pace.left() <= 0 && at < wanted.bytes) return outOfBudget(wanted.url, parts.pace);
    silence.heard();
  }
  return at;
}

async function keep({ wanted, file, have, hash }: Streaming): Promise<{ kind: 'here' } | Failure> {
  const digest = hash.digest('hex');
  if (digest !== wanted.sha256) {
    await file.truncate(0);
    const reason = `${wanted.url}: its SHA-256 is ${digest}, the manifest says ${wanted.sha256}`;
    // What an earlier try has left may be what is spoilt: only a whole download convicts the source.
    return have === 0 ? final(reason, 'wrong-digest') : transient(reason, 'wrong-digest');
  }
  await file.sync();
  await rename(`${wanted.path}.part`, wanted.path);
  await syncFolder(dirname(wanted.path));
  return { kind: 'here' };
}

/** Hashes what an earlier try has left; one that is too long is begun again. */
async function resumeFrom(part: string, bytesMax: number, hash: Hash): Promise<number> {
  const size = await sizeOf(part);
  if (size === null || size === 0) return 0;
  if (size > bytesMax) {
    await rm(part, { force: true });
    return 0;
  }
  for await (const piece of createReadStream(part)) hash.update(piece as Uint8Array);
  return size;
}

function headersOf(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function refusalOf(response: Response, url: string): Promise<Failure | null> {
  if (response.ok) return null;
  await response.body?.cancel();
  const reason = `${url}: HTTP ${response.status}${response.status === 401 ? ', it does not take the password of this device' : ''}`;
  if (response.status === 404 || response.status === 410) return final(reason, 'unknown-release');
  // 408 and 429 ask for patience; every other 4xx will be the same tomorrow.
  const isPatience = response.status === 408 || response.status === 429;
  if (response.status >= 400 && response.status < 500 && !isPatience) return final(reason);
  return { ...transient(reason), ...patienceOf(response.headers) };
}

function patienceOf(headers: Headers): Pick<Failure, 'retryAfterMs' | 'progressBytes'> {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  const progress = Number(headers.get(PROGRESS_HEADER) ?? Number.NaN);
  return {
    ...(seconds >= 0 ? { retryAfterMs: Math.min(RETRY_AFTER_MS_MAX, seconds * 1000) } : {}),
    ...(progress >= 0 ? { progressBytes: progress } : {}),
  };
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  for await (const piece of response.body) yield piece;
}

function describeFault(wanted: Wanted, error: unknown): Failure {
  return transient(`${wanted.url}: ${describeError(error)}`, isDiskFull(error) ? 'disk-full' : 'download-failed');
}

type Silence = { readonly signal: AbortSignal; heard(): void; end(): void };

function watchSilence(outer: AbortSignal): Silence {
  const own = new AbortController();
  const abort = () => own.abort(new Error(`no data for ${SILENCE_MS_MAX / 1000} s`));
  let timer = setTimeout(abort, SILENCE_MS_MAX);
  return {
    signal: AbortSignal.any([outer, own.signal]),
    heard() {
      clearTimeout(timer);
      timer = setTimeout(abort, SILENCE_MS_MAX);
    },
    end: () => clearTimeout(timer),
  };
}
