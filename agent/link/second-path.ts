// The second path to the same signed documents: while the broker is away, the device asks the HTTP API for its kills and
// for what is desired. Only documents come in here; what the device has to tell waits for the broker.
import { describeError } from '../../shared/basics/errors.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import { type DeviceDocuments, deviceDocumentsSchema } from '../../shared/protocol/api-devices.ts';
import { deviceAuthorization } from '../../shared/protocol/device-authorization.ts';
import { type DeviceAddress, deviceTopic, killTopics } from '../../shared/protocol/topics.ts';

export type SecondPathTiming = {
  /** Between two questions while the link is down; each is up to a fifth earlier or later, so that a site does not ask at once. */
  readonly pollMs: number;
  readonly pollTimeoutMs: number;
};

export type SecondPathOptions = SecondPathTiming & {
  readonly apiUrl: string;
  readonly address: DeviceAddress;
  /** Of the device, the same as at the broker. */
  readonly password: string;
  readonly isUp: () => boolean;
  readonly onDesired: (text: string) => void;
  readonly onKill: (topic: string, text: string) => void;
  readonly log: Readonly<Record<'info' | 'warn', (fields: object, message: string) => void>>;
  /** In [0, 1). */
  readonly random: () => number;
};

/** Four documents of a few KB; a server that sends more is none of ours. */
const BODY_BYTES_MAX = 1024 * 1024;

type State = 'unused' | 'answers' | 'fails';

/** Asks again and again while the link is down, until it is closed. */
export class SecondPath {
  readonly #options: SecondPathOptions;
  readonly #url: string;
  readonly #kills: ReadonlySet<string>;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #state: State = 'unused';

  constructor(options: SecondPathOptions) {
    const { apiUrl, address } = options;
    this.#options = options;
    this.#url = `${apiUrl}/v1/devices/${address.site}/${address.device}/documents`;
    this.#kills = new Set(killTopics(address));
    this.#plan();
  }

  close(): void {
    this.#closing.abort();
    if (this.#timer) clearTimeout(this.#timer);
  }

  #plan(): void {
    const { pollMs, random } = this.#options;
    this.#timer = setTimeout(() => void this.#look(), pollMs * (0.8 + 0.4 * random()));
  }

  async #look(): Promise<void> {
    if (this.#options.isUp()) this.#state = 'unused';
    else await this.#ask();
    if (!this.#closing.signal.aborted) this.#plan();
  }

  async #ask(): Promise<void> {
    const { log } = this.#options;
    const url = this.#url;
    try {
      const { documents } = await this.#fetch();
      // What the broker says now is newer than what was asked for before it was back.
      if (this.#closing.signal.aborted || this.#options.isUp()) return;
      this.#hand(documents);
      if (this.#state !== 'answers') log.info({ url, documents: documents.length }, 'documents come over HTTP');
      this.#state = 'answers';
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      if (this.#state !== 'fails') log.warn({ url, reason: describeError(error) }, 'no documents over HTTP either');
      this.#state = 'fails';
    }
  }

  async #fetch(): Promise<DeviceDocuments> {
    const silence = AbortSignal.timeout(this.#options.pollTimeoutMs);
    const signal = AbortSignal.any([this.#closing.signal, silence]);
    const { address, password } = this.#options;
    const headers = { authorization: deviceAuthorization(address, password) };
    const response = await fetch(this.#url, { headers, signal, redirect: 'error' });
    const text = await readBounded(response);
    if (!response.ok) throw new Error(`the API answered ${response.status}`);
    const parsed = parseJson(deviceDocumentsSchema, text);
    if (!parsed.ok) throw new Error(`the API's answer cannot be read: ${parsed.problems[0]?.message ?? 'no reason'}`);
    return parsed.value;
  }

  /** Kills first: a device must know them before it reads what is desired. */
  #hand(documents: DeviceDocuments['documents']): void {
    const { address, onKill, onDesired } = this.#options;
    for (const { topic, text } of documents) if (this.#kills.has(topic)) onKill(topic, text);
    const desired = documents.find(({ topic }) => topic === deviceTopic(address, 'desired'));
    if (desired) onDesired(desired.text);
  }
}

async function readBounded(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new Error(`an answer of more than ${BODY_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
