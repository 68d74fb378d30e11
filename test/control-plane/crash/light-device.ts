// What an agent does on the wire, without a model: obeys its desired and kill documents, reports what it runs, sends windows.
// Its queue outlives the connection, as a spool does; connections end and come back all the time here.
import { randomUUID } from 'node:crypto';
import mqtt, { type MqttClient } from 'mqtt';
import { encodeSketch, sketchOf } from '../../../shared/measure/latency-sketch.ts';
import type { DeviceCredentials } from '../../../shared/protocol/api-devices.ts';
import type { PictureUpload } from '../../../shared/protocol/api-pictures.ts';
import { deviceAuthorization } from '../../../shared/protocol/device-authorization.ts';
import {
  type Ask,
  askSchema,
  type Desired,
  desiredSchema,
  type KillDocument,
  killDocumentSchema,
  type ReleaseRef,
} from '../../../shared/protocol/documents.ts';
import { askTopic, type DeviceChannel, deviceSubscriptions, deviceTopic } from '../../../shared/protocol/topics.ts';
import { openVerifier, type Verifier } from '../../../shared/signing/signed-document.ts';
import { buildArm, buildWindow } from '../../shared/measure/window-builder.ts';

const RECONNECT_MS = 60;
const FRAMES_PER_WINDOW = 20;

export type DeviceWatch = {
  /** A document with a good signature, before it is obeyed. */
  readonly onDesired: (desired: Desired) => void;
  readonly onKill: (topic: string, document: KillDocument) => void;
  /** The control plane has taken its newest report: what it told is stored there. */
  readonly onReportTaken: (device: LightDevice) => void;
  /** Whether frames that this release answers fail. */
  readonly isBad: (digest: string) => boolean;
  /** How long this release takes for each of its frames; absent: as the builder of windows says. */
  readonly latencyMsOf?: (digest: string) => number;
  /** What it sends when it is asked for pictures; absent: its agent does not know the question. */
  readonly onAsk?: (ask: Ask) => PictureUpload;
};

export type DeviceOptions = {
  readonly credentials: DeviceCredentials;
  readonly hardwareClass: string;
  readonly committed: ReleaseRef;
  readonly windowMs: number;
  readonly watch: DeviceWatch;
};

export class LightDevice {
  readonly site: string;
  readonly device: string;
  readonly #options: DeviceOptions;
  readonly #boot = randomUUID();
  readonly #client: MqttClient;
  readonly #verify: Verifier;
  readonly #timer: NodeJS.Timeout;
  readonly #kills = new Map<string, KillDocument>();
  #desired: Desired | null = null;
  #committed: ReleaseRef;
  #seq = 0;
  #servedFrames = 1;
  #windowStartAtMs = Date.now();

  private constructor(options: DeviceOptions, verify: Verifier) {
    const { site, device, password, mqttUrl } = options.credentials;
    this.site = site;
    this.device = device;
    this.#options = options;
    this.#committed = options.committed;
    this.#verify = verify;
    this.#client = mqtt.connect(mqttUrl, {
      clientId: device,
      username: site,
      password,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: RECONNECT_MS,
      connectTimeout: 2000,
    });
    this.#client.on('message', (topic, payload) => void this.#take(topic, payload.toString()));
    this.#client.on('connect', () => void this.#begin());
    this.#client.on('error', () => {});
    this.#timer = setInterval(() => this.#endWindow(), options.windowMs);
  }

  static async open(options: DeviceOptions): Promise<LightDevice> {
    return new LightDevice(options, await openVerifier(options.credentials.keySet));
  }

  /** Of the document that it obeys; 0 before the first. */
  get generation(): number {
    return this.#desired?.generation ?? 0;
  }

  get committed(): ReleaseRef {
    return this.#committed;
  }

  /** The release that answers its frames. */
  get serving(): ReleaseRef {
    const candidate = this.#desired?.candidate;
    return candidate?.role === 'serve' && this.#killsInForce(candidate).length === 0 ? candidate : this.#committed;
  }

  get killEpoch(): number {
    return Math.max(0, ...[...this.#kills.values()].map(({ epoch }) => epoch));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#client.endAsync(true);
  }

  /** A connection begins with what was subscribed, where the device stands, and what it runs. */
  async #begin(): Promise<void> {
    const { hardwareClass } = this.#options;
    const identity = { agentVersion: '0.1.0', hardwareClass, line: null };
    const asks = this.#options.watch.onAsk === undefined ? [] : [askTopic(this)];
    await this.#client.subscribeAsync([...deviceSubscriptions(this), ...asks], { qos: 1 }).catch(() => undefined);
    this.#send('status', { online: true });
    this.#send('hello', { ...identity, generation: this.generation, killEpoch: this.killEpoch, seq: this.#seq });
    this.#report();
  }

  async #take(topic: string, text: string): Promise<void> {
    if (topic.endsWith('/desired')) {
      const read = await this.#verify('desired', desiredSchema, text);
      if (read.ok) this.#obey(read.value);
    } else if (topic.endsWith('/kill')) {
      const read = await this.#verify('kill', killDocumentSchema, text);
      if (read.ok) this.#obeyKill(topic, read.value);
    } else if (topic.endsWith('/ask')) {
      const read = await this.#verify('ask', askSchema, text);
      if (read.ok) await this.#give(read.value);
    }
  }

  #obey(desired: Desired): void {
    this.#options.watch.onDesired(desired);
    if (desired.generation <= this.generation) return;
    const before = this.serving.digest;
    this.#desired = desired;
    if (desired.candidate === null) this.#committed = desired.baseline;
    this.#endWindow();
    this.#servedFrames = before === this.serving.digest ? this.#servedFrames : 1;
    this.#report();
  }

  #obeyKill(topic: string, document: KillDocument): void {
    this.#options.watch.onKill(topic, document);
    if (document.epoch <= (this.#kills.get(topic)?.epoch ?? 0)) return;
    const before = this.serving.digest;
    this.#kills.set(topic, document);
    this.#endWindow();
    const wasServing = before !== this.serving.digest;
    this.#seq += 1;
    const answer = { killEpoch: document.epoch, effectMs: 1, wasServing, digest: this.serving.digest };
    this.#send('event', { seq: this.#seq, kind: 'kill-ack', atMs: Date.now(), reason: 'obeyed', ...answer });
    this.#report();
  }

  async #give(ask: Ask): Promise<void> {
    const { credentials, watch } = this.#options;
    if (watch.onAsk === undefined || ask.what === 'forget') return;
    const authorization = deviceAuthorization(this, credentials.password);
    await fetch(`${credentials.apiUrl}/v1/devices/${this.site}/${this.device}/asks/${ask.id}`, {
      method: 'PUT',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(watch.onAsk(ask)),
    });
  }

  #killsInForce(
    candidate: NonNullable<Desired['candidate']>,
  ): readonly { readonly id: string; readonly reason: string }[] {
    return [...this.#kills.values()].flatMap(({ kills }) =>
      kills.filter(({ scope }) => !('digest' in scope) || scope.digest === candidate.digest),
    );
  }

  #report(): void {
    const { hardwareClass, watch } = this.#options;
    const candidate = this.#desired?.candidate ?? null;
    const serving = this.serving;
    const isOnTrial = candidate !== null && serving.digest === candidate.digest;
    const state = isOnTrial ? 'candidate' : 'baseline';
    const sent = this.#send('reported', {
      atMs: Date.now(),
      agentVersion: '0.1.0',
      hardwareClass,
      line: null,
      generation: this.generation,
      killEpoch: this.killEpoch,
      phase: state,
      serving: refOf(serving),
      servedFrames: this.#servedFrames,
      servingBecause: 'as desired',
      committed: this.#committed,
      previous: null,
      candidate: candidate && { ...refOf(candidate), role: candidate.role, state },
      ...(watch.onAsk === undefined ? {} : { pictures: 'allowed' }),
      mode: 'warm',
      provider: null,
      proofs: [],
      quarantine: [],
      kills: candidate === null ? [] : this.#killsInForce(candidate).map(({ id, reason }) => ({ id, reason })),
      blocked: [],
    });
    void sent.then((isTaken) => isTaken && watch.onReportTaken(this));
  }

  /** Frames since the last one, answered by the release that answers until now. */
  #endWindow(): void {
    const startAtMs = this.#windowStartAtMs;
    this.#windowStartAtMs = Date.now();
    if (this.#windowStartAtMs <= startAtMs || this.generation === 0) return;
    const serving = this.serving;
    const isCandidate = serving.digest === this.#desired?.candidate?.digest;
    const { isBad, latencyMsOf } = this.#options.watch;
    const errors = isBad(serving.digest) ? FRAMES_PER_WINDOW : 0;
    const latencies = Array.from({ length: FRAMES_PER_WINDOW }, () => latencyMsOf?.(serving.digest) ?? 0);
    this.#seq += 1;
    this.#servedFrames += FRAMES_PER_WINDOW;
    const arm = buildArm({
      ...refOf(serving),
      role: isCandidate ? 'candidate' : 'baseline',
      frames: FRAMES_PER_WINDOW,
      answered: FRAMES_PER_WINDOW - errors,
      errors: errors === 0 ? {} : { timeout: errors },
      activeMs: this.#windowStartAtMs - startAtMs,
      ...(latencyMsOf === undefined ? {} : { latencyMs: encodeSketch(sketchOf(latencies)) }),
    });
    const { site, device, generation, killEpoch } = this;
    const place = { site, device, boot: this.#boot, seq: this.#seq, generation, killEpoch };
    const time = { startAtMs, endAtMs: this.#windowStartAtMs };
    const { hardwareClass } = this.#options;
    const cohortId = this.#desired?.cohortId ?? 'baseline';
    void this.#send('window', buildWindow({ ...place, ...time, hardwareClass, cohortId, arms: [arm] }));
  }

  /** True when the control plane has taken it; what waits is sent again by the next connection. */
  async #send(channel: DeviceChannel, document: Readonly<Record<string, unknown>>): Promise<boolean> {
    const header = { v: 1, site: this.site, device: this.device, boot: this.#boot };
    const retain = channel === 'status' || channel === 'reported';
    try {
      await this.#client.publishAsync(deviceTopic(this, channel), JSON.stringify({ ...header, ...document }), {
        qos: 1,
        retain,
      });
      return true;
    } catch {
      return false;
    }
  }
}

function refOf({ release, digest }: ReleaseRef): ReleaseRef {
  return { release, digest };
}
