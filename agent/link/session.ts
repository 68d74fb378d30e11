// One connection to the broker, from connect to close; a new one is made for every attempt, because a client that got
// stuck cannot be repaired. MQTT 3.1.1 features only. Knows topics, not documents.
import { connect, type MqttClient } from 'mqtt';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import { askTopic, type DeviceAddress, deviceSubscriptions, deviceTopic } from '../../shared/protocol/topics.ts';

/**
 * Codes: `link-down` there is no connection or it ended before the broker confirmed · `link-congested` the connection
 * does not take more · `publish-timeout` the broker did not confirm in time · `payload-too-large` over 64 KiB.
 */
export class LinkError extends BelayError {}

export type SessionTiming = {
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  /** Between SUBACK and ready: retained documents arrive in it. */
  readonly graceMs: number;
  readonly publishTimeoutMs: number;
};

export type SessionOptions = {
  readonly url: string;
  readonly address: DeviceAddress;
  readonly password: string;
  readonly boot: string;
  readonly timing: SessionTiming;
  readonly onMessage: (topic: string, text: string) => void;
  readonly onReady: () => void;
  /** Exactly once, also for a connection that never came up. */
  readonly onClosed: (reason: string) => void;
};

export type PublishOptions = { readonly qos: 0 | 1; readonly retain: boolean };

/** What every supported broker carries without configuration. */
export const PAYLOAD_BYTES_MAX = 64 * 1024;
/** Of one packet from the broker. A document has a few KB; MQTT allows 256 MB, which a small box does not have. */
const INCOMING_BYTES_MAX = 1024 * 1024;
/** Unsent bytes from which answers are dropped instead of queued. */
const CONGESTED_BYTES = 256 * 1024;

/** Shorter than what an init system grants a program that is asked to end. */
const GOODBYE_MS_MAX = 1500;

export class Session {
  readonly #options: SessionOptions;
  readonly #client: MqttClient;
  readonly #closed = new AbortController();
  #reason = 'the connection was closed';
  #lastPacketAtMs = performance.now();
  #unreadBytes = 0;
  #watchdog: NodeJS.Timeout | null = null;
  #grace: NodeJS.Timeout | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#client = connect(options.url, {
      protocolVersion: 4,
      clientId: options.address.device,
      username: options.address.site,
      password: options.password,
      clean: true,
      keepalive: options.timing.keepaliveS,
      connectTimeout: options.timing.connectTimeoutMs,
      // 0: this client is used once; the link decides when the next one begins.
      reconnectPeriod: 0,
      queueQoSZero: false,
      resubscribe: false,
      // Its table of all 65,536 packet numbers is 8 MB of small buffers, to save a device that sends little a microsecond.
      writeCache: false,
      will: { topic: this.#topic('status'), payload: this.#status({ online: false }), qos: 1, retain: true },
    });
    this.#listen();
  }

  isConnected(): boolean {
    return this.#client.connected && !this.#closed.signal.aborted;
  }

  /** Resolves when the broker has it (QoS 1) or the socket has taken it (QoS 0). Rejects with LinkError. */
  async publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    if (!this.isConnected()) throw this.#error('link-down', topic);
    if (Buffer.byteLength(payload) > PAYLOAD_BYTES_MAX) throw this.#error('payload-too-large', topic);
    if (options.qos === 0 && this.#client.stream.writableLength > CONGESTED_BYTES)
      throw this.#error('link-congested', topic);
    // Publish callbacks can get lost in the client; the close and the clock answer for them.
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClosed = () => reject(this.#error('link-down', topic));
    const timer = setTimeout(
      () => reject(this.#error('publish-timeout', topic)),
      this.#options.timing.publishTimeoutMs,
    );
    this.#closed.signal.addEventListener('abort', onClosed, { once: true });
    this.#client.publish(topic, payload, options, (error) =>
      error ? reject(this.#error('link-down', topic, error)) : resolve(),
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#closed.signal.removeEventListener('abort', onClosed);
    }
  }

  /** Says goodbye (so that the will is not needed) and closes; a broker that does not answer is not waited for. */
  async leave(): Promise<void> {
    const status = this.#status({ online: false, clean: true });
    const goodbye = this.publish(this.#topic('status'), status, { qos: 1, retain: true })
      .then(() => this.#client.endAsync(false))
      // Without a connection there is nobody to say goodbye to; the will speaks for us.
      .catch(() => undefined);
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(GOODBYE_MS_MAX, this.#options.timing.publishTimeoutMs));
    await Promise.race([goodbye, patience]);
    clearTimeout(timer);
    this.#finish('left');
  }

  #listen(): void {
    const client = this.#client;
    client.on('message', (topic, payload) => this.#options.onMessage(topic, payload.toString('utf8')));
    client.on('connect', () => this.#begin());
    client.on('packetreceive', () => {
      this.#lastPacketAtMs = performance.now();
      this.#unreadBytes = 0;
    });
    client.stream.on('data', (bytes: Uint8Array) => this.#bound(bytes.byteLength));
    client.on('error', (error) => this.#finish(describeError(error)));
    client.on('close', () => this.#finish(this.#reason));
    const { keepaliveS, connectTimeoutMs } = this.#options.timing;
    const silentMsMax = Math.max(2 * keepaliveS * 1000, connectTimeoutMs);
    this.#watchdog = setInterval(() => {
      if (performance.now() - this.#lastPacketAtMs > silentMsMax) this.#finish('the broker has gone silent');
    }, silentMsMax / 8);
    this.#watchdog.unref();
  }

  /** The client keeps what has come of a packet until it is whole. */
  #bound(bytes: number): void {
    this.#unreadBytes += bytes;
    if (this.#unreadBytes > INCOMING_BYTES_MAX)
      this.#finish(`the broker sends a packet of more than ${INCOMING_BYTES_MAX} bytes`);
  }

  #begin(): void {
    const topics = [...deviceSubscriptions(this.#options.address)];
    this.#client.subscribe(topics, { qos: 1 }, (error, granted) => {
      const refused = granted?.filter((one) => one.qos === 128).map((one) => one.topic) ?? [];
      if (error) return this.#finish(`could not subscribe: ${describeError(error)}`);
      if (refused.length > 0) return this.#finish(`the broker refused the subscription to ${refused.join(', ')}`);
      // An older broker knows no such topic, and what cannot be asked there needs no answer.
      this.#client.subscribe(askTopic(this.#options.address), { qos: 0 }, () => undefined);
      const online = this.publish(this.#topic('status'), this.#status({ online: true }), { qos: 1, retain: true });
      online.catch((failure: unknown) => this.#finish(describeError(failure)));
      this.#grace = setTimeout(() => this.#options.onReady(), this.#options.timing.graceMs);
    });
  }

  #finish(reason: string): void {
    if (this.#closed.signal.aborted) return;
    this.#reason = reason;
    this.#closed.abort();
    if (this.#watchdog) clearInterval(this.#watchdog);
    if (this.#grace) clearTimeout(this.#grace);
    // Errors of a socket that is being torn down concern nobody any more, but must not be unhandled.
    this.#client.end(true);
    this.#options.onClosed(reason);
  }

  #topic(channel: 'status'): string {
    return deviceTopic(this.#options.address, channel);
  }

  #status(state: { readonly online: boolean; readonly clean?: boolean }): string {
    const { address, boot } = this.#options;
    return JSON.stringify({ v: 1, site: address.site, device: address.device, boot, clean: false, ...state });
  }

  #error(code: string, topic: string, cause?: unknown): LinkError {
    return new LinkError(code, `could not publish to ${topic}: ${code}`, cause === undefined ? {} : { cause });
  }
}
