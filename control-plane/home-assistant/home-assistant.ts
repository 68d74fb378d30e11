// The door of the Home Assistant room: a bridge to the MQTT broker that a plant's Home Assistant uses. It tells what the wall shows,
// and takes back what is no longer so. It reads nothing that could change the fleet, and nothing waits for it.
import { readFile } from 'node:fs/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type { Logger } from 'pino';
import { BelayError, describeError } from '../../shared/basics/errors.ts';
import type { LiveDevice } from '../../shared/protocol/api-live.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import type { HomeAssistantConfig } from '../config.ts';
import type { Live } from '../live/live.ts';
import {
  addressOf,
  birthTopic,
  configFilter,
  type Document,
  discoveryOf,
  type Naming,
  type Origin,
  planeTopic,
  removalOf,
  stateOf,
} from './documents.ts';

export type HomeAssistantParts = {
  readonly config: HomeAssistantConfig;
  readonly instance: string;
  readonly origin: Origin;
  readonly live: Pick<Live, 'snapshot' | 'follow'>;
  /** Whether a device is expected to report: who has retired, or was never heard, is taken back. */
  readonly isExpected: (address: DeviceAddress) => Promise<boolean>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
};

const RECONNECT_MS = 5000;
const CONNECT_TIMEOUT_MS = 15_000;

export class HomeAssistant {
  readonly #parts: HomeAssistantParts;
  readonly #naming: Naming;
  readonly #client: MqttClient;
  /** What was told last, by topic: nothing is told twice on one connection. */
  readonly #told = new Map<string, string>();
  #stopFollowing: (() => void) | null = null;
  #trouble: string | null = null;

  private constructor(parts: HomeAssistantParts, password: string | undefined) {
    const { config, instance } = parts;
    const { discoveryPrefix, topicPrefix, username, url } = config;
    this.#parts = parts;
    this.#naming = { discoveryPrefix, topicPrefix, instance };
    this.#client = mqtt.connect(url, {
      clientId: `belay-${instance}`,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: RECONNECT_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      queueQoSZero: false,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(config.enabled
        ? { will: { topic: planeTopic(this.#naming), payload: Buffer.from('offline'), qos: 1, retain: true } }
        : {}),
    });
    this.#listen();
  }

  /** Goes on trying where the broker is not there. Throws BelayError `home-assistant-password` when its file cannot be read. */
  static async open(parts: HomeAssistantParts): Promise<HomeAssistant> {
    return new HomeAssistant(parts, await readPassword(parts.config.passwordFile));
  }

  async close(): Promise<void> {
    this.#stopFollowing?.();
    if (this.#client.connected && this.#parts.config.enabled) {
      const gone = this.#client.publishAsync(planeTopic(this.#naming), 'offline', { qos: 1, retain: true });
      await Promise.race([gone.catch(() => undefined), this.#ended()]);
    }
    await this.#client.endAsync(true);
  }

  #ended(): Promise<void> {
    return new Promise((resolve) => this.#client.once('close', () => resolve()));
  }

  #listen(): void {
    const { config, live } = this.#parts;
    this.#client.on('connect', () => this.#connected());
    this.#client.on('error', (error) => this.#fail(error));
    this.#client.on('message', (topic, payload) => this.#heard(topic, payload.toString('utf8')));
    if (!config.enabled) return;
    this.#stopFollowing = live.follow(({ changes }) => {
      for (const { resource, id, value } of changes) {
        if (resource !== 'device') continue;
        if (value !== null) this.#show(value);
        else this.#takeBack(addressIn(id));
      }
    });
  }

  #connected(): void {
    const { config, log } = this.#parts;
    this.#trouble = null;
    log.info({ url: config.url, enabled: config.enabled }, 'connected to the broker of Home Assistant');
    // What lies there from before comes with the subscription: whatever is no longer so is taken back.
    this.#subscribe(
      config.enabled ? [configFilter(this.#naming), birthTopic(this.#naming)] : [configFilter(this.#naming)],
    );
    if (config.enabled) this.#tellEverything();
    else this.#tell([{ topic: planeTopic(this.#naming), payload: '' }]);
  }

  #subscribe(topics: readonly string[]): void {
    this.#client.subscribeAsync([...topics], { qos: 1 }).catch((error: unknown) => this.#fail(error));
  }

  #tellEverything(): void {
    this.#told.clear();
    this.#tell([{ topic: planeTopic(this.#naming), payload: 'online' }]);
    for (const device of this.#parts.live.snapshot().devices) this.#show(device);
  }

  #heard(topic: string, payload: string): void {
    if (topic === birthTopic(this.#naming)) {
      if (payload === 'online' && this.#parts.config.enabled) this.#tellEverything();
      return;
    }
    const address = addressOf(this.#naming, topic);
    if (address === null || payload === '') return;
    const { config, isExpected } = this.#parts;
    (config.enabled ? isExpected(address) : Promise.resolve(false))
      .then((isSo) => {
        if (!isSo) this.#takeBack(address);
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #show(device: LiveDevice): void {
    this.#tell([discoveryOf(this.#naming, device, this.#parts.origin), ...stateOf(this.#naming, device)]);
  }

  #takeBack(address: DeviceAddress): void {
    const removal = removalOf(this.#naming, address);
    for (const { topic } of removal) this.#told.delete(topic);
    this.#send(removal);
  }

  #tell(documents: readonly Document[]): void {
    const fresh = documents.filter(({ topic, payload }) => this.#told.get(topic) !== payload);
    if (this.#client.connected) for (const { topic, payload } of fresh) this.#told.set(topic, payload);
    this.#send(fresh);
  }

  /** Nothing is kept for later: with the next connection everything is told anew. */
  #send(documents: readonly Document[]): void {
    if (!this.#client.connected) return;
    for (const { topic, payload } of documents)
      this.#client.publishAsync(topic, payload, { qos: 1, retain: true }).catch((error: unknown) => this.#fail(error));
  }

  /** Once for each kind of trouble, not for each attempt. */
  #fail(error: unknown): void {
    const text = describeError(error);
    if (text === this.#trouble || this.#client.disconnecting) return;
    this.#trouble = text;
    const { config, log } = this.#parts;
    log.warn(
      { url: config.url, error: text },
      'Home Assistant is not told: trying again; check homeAssistant.url and its account',
    );
  }
}

function addressIn(id: string): DeviceAddress {
  const [site = '', device = ''] = id.split('/');
  return { site, device };
}

async function readPassword(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0];
  } catch (error) {
    throw new BelayError(
      'home-assistant-password',
      `reading homeAssistant.passwordFile ${file} failed; check its owner and rights`,
      { cause: error },
    );
  }
}
