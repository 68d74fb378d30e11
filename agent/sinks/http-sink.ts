// Answers as NDJSON in POST requests: one request at a time over one kept connection, so that what comes meanwhile goes
// together in the next one. A receiver that is down costs the oldest answers beyond the queue, never a frame.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { describeError } from '../../shared/basics/errors.ts';
import type { RoomLog } from '../frames/child-log.ts';
import { backoffMs } from '../link/backoff.ts';
import { type PostResult, post } from './http-post.ts';
import { LineQueue } from './line-queue.ts';
import { type Sink, Tally } from './sink.ts';
import type { HttpSinkConfig } from './sink-config.ts';

export type HttpSinkParts = { readonly log: Pick<RoomLog, 'warn'> };

/** Some minutes of answers of a busy device, and small beside a model. */
const QUEUE = { lines: 10_000, bytes: 4 * 1024 * 1024 };
const REQUEST_BYTES_MAX = 1024 * 1024;
const RETRY = { baseMs: 500, capMs: 30_000 };
/** Full jitter may draw zero; a receiver in trouble is not asked twice at once. */
const RETRY_MS_MIN = 200;
const CLOSE_MS_MAX = 1000;

export function openHttpSink(config: HttpSinkConfig, { log }: HttpSinkParts): Sink {
  return new HttpSink(config, log);
}

class HttpSink implements Sink {
  readonly #config: HttpSinkConfig;
  readonly #log: HttpSinkParts['log'];
  readonly #url: URL;
  readonly #queue = new LineQueue(QUEUE);
  readonly #tally = new Tally();
  readonly #abort = new AbortController();
  #agent: HttpAgent | null = null;
  #headers: Readonly<Record<string, string>> | null = null;
  #failures = 0;
  #retry: NodeJS.Timeout | null = null;
  #posting: Promise<void> | null = null;
  #isClosed = false;

  constructor(config: HttpSinkConfig, log: HttpSinkParts['log']) {
    this.#config = config;
    this.#log = log;
    this.#url = new URL(config.url);
  }

  publish(line: string): void {
    if (this.#isClosed) this.#tally.dropped('stopped', 1);
    else this.#tally.dropped('queue-full', this.#queue.push(line));
    this.#pump();
  }

  counts() {
    return this.#tally.counts();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry) clearTimeout(this.#retry);
    const timer = setTimeout(() => this.#abort.abort(), CLOSE_MS_MAX);
    // What waits gets one chance, unless the receiver is in trouble anyway.
    while (this.#posting !== null) await this.#posting;
    clearTimeout(timer);
    this.#tally.dropped('stopped', this.#queue.length);
    this.#agent?.destroy();
  }

  #pump(): void {
    if (this.#posting !== null || this.#retry !== null || this.#queue.length === 0) return;
    this.#posting = this.#postNext().then(() => {
      this.#posting = null;
      if (this.#failures === 0) this.#pump();
    });
  }

  async #postNext(): Promise<void> {
    const lines = this.#queue.take({ lines: this.#config.batch, bytes: REQUEST_BYTES_MAX });
    const result = await this.#post(`${lines.join('\n')}\n`);
    this.#tally.trouble = result.kind === 'taken' ? null : result.reason;
    if (result.kind === 'failed') {
      this.#tally.dropped('queue-full', this.#queue.putBack(lines));
      this.#retryLater(result.retryAfterMs);
      return;
    }
    this.#failures = 0;
    if (result.kind === 'taken') this.#tally.sent(lines.length);
    else this.#refused(lines.length, result.reason);
  }

  async #post(body: string): Promise<PostResult> {
    try {
      this.#agent ??= this.#openAgent();
      this.#headers ??= readHeaders(this.#config.headersFile);
    } catch (error) {
      // A file that is not there yet may come: an operator puts it there while the line runs.
      return { kind: 'failed', reason: describeError(error), retryAfterMs: 0 };
    }
    const { timeoutMs } = this.#config;
    const signal = this.#abort.signal;
    return post({ url: this.#url, body, headers: this.#headers, agent: this.#agent, timeoutMs, signal });
  }

  #refused(answers: number, reason: string): void {
    this.#tally.dropped('refused', answers);
    // A token that was changed is read before the next request.
    this.#headers = null;
    if (this.#tally.counts().dropped.refused === answers) this.#log.warn({ reason }, 'answers were refused for good');
  }

  #retryLater(atLeastMs: number): void {
    const waitMs = Math.max(RETRY_MS_MIN, atLeastMs, backoffMs(this.#failures, Math.random(), RETRY));
    this.#failures += 1;
    this.#headers = null;
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#pump();
    }, waitMs);
  }

  #openAgent(): HttpAgent {
    const { caFile } = this.#config;
    const options = { keepAlive: true, maxSockets: 1 };
    if (this.#url.protocol === 'http:') return new HttpAgent(options);
    return new HttpsAgent({ ...options, ...(caFile === null ? {} : { ca: readFileSync(caFile) }) });
  }
}

/** Lines `Name: value`; empty ones and those that begin with # are left out. Throws when one is neither. */
function readHeaders(path: string | null): Readonly<Record<string, string>> {
  if (path === null) return {};
  const lines = readFileSync(path, 'utf8').split('\n');
  const wanted = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(wanted.map((line, at) => headerOf(line, `${path}: header ${at + 1}`)));
}

function headerOf(line: string, where: string): readonly [string, string] {
  const [, name, value] = /^([\w-]+):\s*(.+)$/.exec(line) ?? [];
  // The line itself is not shown: it may be a secret.
  if (name === undefined || value === undefined) throw new Error(`${where} is not "Name: value"`);
  return [name.toLowerCase(), value];
}
