// Gets something from an HTTP camera: follows a few redirects, answers who we are, and turns every refusal into a reason
// for an operator. Limits: header size (Node's 16 KB), redirects, and time until the headers have come.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { describeError } from '../../shared/basics/errors.ts';
import { type HttpSource, SourceError } from './camera-source.ts';
import { answerChallenge, type Challenge, type Credentials, readChallenge } from './http-digest.ts';
import { decodeSafely, maskUrl } from './mask-url.ts';

const HEADERS_MS_MAX = 8_000;
const REDIRECTS_MAX = 3;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

type Got = { readonly response: IncomingMessage; readonly url: URL };

/** One camera's connection, kept open between requests. */
export class HttpAccess {
  readonly #url: URL;
  readonly #credentials: Credentials | null;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  readonly #https: HttpsAgent;
  readonly #abort = new AbortController();
  #challenge: Challenge | null = null;
  #answers = 0;

  /** Throws SourceError when the file of authorities cannot be read. */
  constructor({ url, caFile }: Pick<HttpSource, 'url' | 'caFile'>) {
    this.#url = new URL(url);
    const { username, password } = this.#url;
    this.#credentials = username === '' ? null : { user: decodeSafely(username), password: decodeSafely(password) };
    this.#url.username = '';
    this.#url.password = '';
    const ca = caFile === null ? {} : { ca: readAuthorities(caFile) };
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: 1, ...ca });
  }

  /** Resolves with status 200 or 304. Rejects with SourceError for every other end. */
  async get(headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
    let url = this.#url;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
      const { response } = await this.#getWithCredentials(url, headers);
      const { statusCode = 0 } = response;
      if (statusCode === 200 || statusCode === 304) return response;
      response.destroy();
      if (!REDIRECTS.includes(statusCode)) throw refusal(url, response, this.#credentials !== null);
      url = this.#redirected(url, response.headers.location);
    }
    throw failure(this.#url, `redirected more than ${REDIRECTS_MAX} times; write the URL it ends at`);
  }

  close(): void {
    this.#abort.abort();
    this.#http.destroy();
    this.#https.destroy();
  }

  /** Says nothing of itself until it is asked to; then in the strongest way that the camera offers. */
  async #getWithCredentials(url: URL, headers: Readonly<Record<string, string>>): Promise<Got> {
    const first = await this.#ask(url, { ...headers, ...this.#authorization(url) });
    const asks = first.response.headers['www-authenticate'];
    if (first.response.statusCode !== 401 || asks === undefined || !this.#trusts(url)) return first;
    const challenge = readChallenge(asks);
    if (challenge === null || this.#credentials === null) return first;
    first.response.destroy();
    this.#challenge = challenge;
    this.#answers = 0;
    return this.#ask(url, { ...headers, ...this.#authorization(url) });
  }

  #authorization(url: URL): Readonly<Record<string, string>> {
    if (this.#challenge === null || this.#credentials === null || !this.#trusts(url)) return {};
    this.#answers += 1;
    const clientNonce = randomBytes(8).toString('hex');
    const asked = { method: 'GET', path: url.pathname + url.search, count: this.#answers, clientNonce };
    return { Authorization: answerChallenge(this.#challenge, this.#credentials, asked) };
  }

  /** The password is for this camera alone, and goes to no worse transport than it was given for. */
  #trusts(url: URL): boolean {
    return url.hostname === this.#url.hostname && (url.protocol === 'https:' || this.#url.protocol === 'http:');
  }

  async #ask(url: URL, headers: Readonly<Record<string, string>>): Promise<Got> {
    const options = {
      headers: { Accept: 'image/*, multipart/x-mixed-replace', ...headers },
      signal: this.#abort.signal,
    };
    const asked: ClientRequest =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, agent: this.#https })
        : httpRequest(url, { ...options, agent: this.#http });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const timer = setTimeout(() => reject(new Error(`no answer within ${HEADERS_MS_MAX / 1000} s`)), HEADERS_MS_MAX);
    asked.on('response', resolve).on('error', reject).end();
    try {
      return { response: await promise, url };
    } catch (error) {
      asked.destroy();
      throw failure(url, `${describeError(error)}; check that the camera is on and can be reached`);
    } finally {
      clearTimeout(timer);
    }
  }

  #redirected(from: URL, location: string | undefined): URL {
    const to = location !== undefined && URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    if (to !== null && /^https?:$/.test(to.protocol)) return to;
    throw failure(from, 'redirected to nowhere; check the URL');
  }
}

/** The camera's words in ours, with what to do. */
function refusal(url: URL, { statusCode, statusMessage }: IncomingMessage, hasCredentials: boolean): SourceError {
  const answered = `answered ${statusCode} ${statusMessage ?? ''}`.trim();
  switch (statusCode) {
    case 401:
    case 403:
      return failure(
        url,
        hasCredentials
          ? `${answered}; check the camera's user and password`
          : `${answered}; put user and password into its URL`,
      );
    case 404:
      return failure(url, `${answered}; check the path of the URL`);
    default:
      return failure(url, `${answered}; look at the camera itself`);
  }
}

export function failure(url: URL, what: string): SourceError {
  return new SourceError(`reading ${maskUrl(url.href)}: ${what}`);
}

function readAuthorities(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SourceError(`reading the camera's authorities ${path}: ${describeError(error)}; check caFile`, {
      cause: error,
    });
  }
}
