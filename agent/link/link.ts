// The door of the link: keeps one connection to the broker, for ever, and passes documents in as raw text; while there is
// none, documents come over HTTP. It verifies nothing and keeps nothing: what must not be lost waits in the spool.
import type { Logger } from 'pino';
import { parseJson } from '../../shared/basics/parsing.ts';
import { type Ack, ackSchema } from '../../shared/protocol/documents.ts';
import {
  askTopic,
  type DeviceAddress,
  type DeviceChannel,
  deviceTopic,
  killTopics,
} from '../../shared/protocol/topics.ts';
import { type BackoffTiming, backoffMs } from './backoff.ts';
import { SecondPath, type SecondPathTiming } from './second-path.ts';
import { LinkError, type PublishOptions, Session, type SessionTiming } from './session.ts';

export type LinkTiming = SessionTiming &
  BackoffTiming &
  SecondPathTiming & {
    /** A connection that lived this long was a good one: the next failure waits from the start again. */
    readonly stableMs: number;
  };

export type LinkOptions = {
  readonly url: string;
  /** Where documents are asked for while the broker is away. */
  readonly apiUrl: string;
  readonly address: DeviceAddress;
  readonly password: string;
  readonly boot: string;
  readonly log: Logger;
  /** Raw signed text of the newest desired document. At a connect it comes after the kills. */
  readonly onDesired: (text: string) => void;
  readonly onKill: (topic: string, text: string) => void;
  /** Raw signed text that answers a hello. */
  readonly onLease: (text: string) => void;
  /** Raw signed text of somebody who asks for pictures. */
  readonly onAsk: (text: string) => void;
  readonly onAck: (ack: Ack) => void;
  /** The subscriptions stand, and retained documents have had their chance to arrive. */
  readonly onUp: () => void;
  readonly onDown: (reason: string) => void;
  /** In [0, 1); default Math.random. */
  readonly random?: () => number;
  readonly timing?: Partial<LinkTiming>;
};

export type Link = {
  /** Rejects with LinkError at once when the link is down; nothing is queued. */
  readonly publish: (channel: DeviceChannel, payload: string, options: PublishOptions) => Promise<void>;
  readonly isUp: () => boolean;
  /** Says that the device leaves on purpose, then closes. Safe to call twice. */
  readonly close: () => Promise<void>;
};

export const DEFAULT_LINK_TIMING: LinkTiming = {
  keepaliveS: 30,
  connectTimeoutMs: 15_000,
  graceMs: 200,
  publishTimeoutMs: 10_000,
  baseMs: 1000,
  capMs: 60_000,
  stableMs: 60_000,
  pollMs: 60_000,
  pollTimeoutMs: 15_000,
};

/** Connects at once and again whenever the connection ends, until it is closed. */
export function openLink(options: LinkOptions): Link {
  const link = new ReconnectingLink(options);
  link.connect();
  return {
    publish: (channel, payload, publishOptions) => link.publish(channel, payload, publishOptions),
    isUp: () => link.isUp(),
    close: () => link.close(),
  };
}

class ReconnectingLink {
  readonly #options: LinkOptions;
  readonly #timing: LinkTiming;
  readonly #kills: ReadonlySet<string>;
  readonly #secondPath: SecondPath;
  #session: Session | null = null;
  #isUp = false;
  #upAtMs = 0;
  #failures = 0;
  #heldDesired: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_LINK_TIMING, ...options.timing };
    this.#kills = new Set(killTopics(options.address));
    const { random = Math.random } = options;
    this.#secondPath = new SecondPath({ ...options, ...this.#timing, random, isUp: () => this.isUp() });
  }

  isUp(): boolean {
    return this.#isUp && this.#session?.isConnected() === true;
  }

  connect(): void {
    this.#heldDesired = null;
    this.#session = new Session({
      ...this.#options,
      timing: this.#timing,
      onMessage: (topic, text) => this.#receive(topic, text),
      onReady: () => this.#ready(),
      onClosed: (reason) => this.#closed(reason),
    });
  }

  async publish(channel: DeviceChannel, payload: string, options: PublishOptions): Promise<void> {
    const topic = deviceTopic(this.#options.address, channel);
    if (!this.isUp() || !this.#session)
      throw new LinkError('link-down', `could not publish to ${topic}: no connection`);
    await this.#session.publish(topic, payload, options);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#secondPath.close();
    if (this.#retry) clearTimeout(this.#retry);
    await this.#session?.leave();
  }

  #receive(topic: string, text: string): void {
    if (this.#kills.has(topic)) this.#options.onKill(topic, text);
    else if (topic === deviceTopic(this.#options.address, 'ack')) this.#receiveAck(text);
    else if (topic === deviceTopic(this.#options.address, 'lease')) this.#options.onLease(text);
    else if (topic === askTopic(this.#options.address)) this.#options.onAsk(text);
    else if (topic === deviceTopic(this.#options.address, 'desired')) this.#receiveDesired(text);
  }

  // Until the link is up, kills may still be on their way: a device must know them before it reads what is desired.
  #receiveDesired(text: string): void {
    if (this.#isUp) this.#options.onDesired(text);
    else this.#heldDesired = text;
  }

  #receiveAck(text: string): void {
    const parsed = parseJson(ackSchema, text);
    if (parsed.ok) this.#options.onAck(parsed.value);
    else this.#options.log.warn({ problems: parsed.problems }, 'an acknowledgement cannot be read');
  }

  #ready(): void {
    if (this.#heldDesired !== null) this.#options.onDesired(this.#heldDesired);
    this.#heldDesired = null;
    this.#isUp = true;
    this.#upAtMs = performance.now();
    this.#options.log.info({ url: this.#options.url }, 'link up');
    this.#options.onUp();
  }

  #closed(reason: string): void {
    const wasUp = this.#isUp;
    const wasStable = wasUp && performance.now() - this.#upAtMs >= this.#timing.stableMs;
    this.#isUp = false;
    this.#session = null;
    this.#failures = wasStable ? 0 : this.#failures + 1;
    if (!this.#isClosed) this.#scheduleRetry(reason);
    if (wasUp) this.#options.onDown(reason);
  }

  #scheduleRetry(reason: string): void {
    const random = this.#options.random ?? Math.random;
    const delayMs = backoffMs(Math.max(0, this.#failures - 1), random(), this.#timing);
    this.#options.log.warn({ reason, failures: this.#failures, delayMs }, 'link down');
    this.#retry = setTimeout(() => this.connect(), delayMs);
  }
}
