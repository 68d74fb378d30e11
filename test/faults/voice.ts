// The control plane reduced to its voice, for one device under faults: real broker, signed documents, a registry whose
// downloads can be slowed down, and acknowledgements without holes that can be withheld.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { exportJWK, generateKeyPair } from 'jose';
import { type Messaging, openBroker } from '../../control-plane/messaging/messaging.ts';
import type { Desired, KillDocument } from '../../shared/protocol/documents.ts';
import { deviceLimitsSchema } from '../../shared/protocol/limits.ts';
import type { DeviceEvent, Reported } from '../../shared/protocol/reports.ts';
import { deviceTopic, FLEET_KILL_TOPIC } from '../../shared/protocol/topics.ts';
import { openSigner, type Signer } from '../../shared/signing/signed-document.ts';
import type { Package } from './packages.ts';

export const ADDRESS = { site: 'site-a', device: 'device-1' };
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const PIECE_BYTES = 16 * 1024;

export type Orders = { readonly baseline: Package; readonly candidate?: Package | null; readonly role?: Role };
type Role = 'prove' | 'shadow' | 'serve';
type Numbered = { readonly boot: string; readonly seq: number };

export class Voice {
  readonly events: DeviceEvent[] = [];
  readonly windows: (Numbered & Record<string, unknown>)[] = [];
  readonly boots: string[] = [];
  reported: Reported | null = null;
  /** False: what arrives is kept, and the device is not told. */
  isAcknowledging = true;
  /** Pause between the pieces of a download. */
  pieceMs = 0;
  /** Paths that were sent to their last byte, in order. */
  readonly delivered: string[] = [];
  keySet: unknown = null;
  generation = 0;
  killEpoch = 0;
  readonly #bodies = new Map<string, Uint8Array>();
  readonly #seen = new Map<string, Set<number>>();
  readonly #acknowledged = new Map<string, number>();
  readonly #server: Server = createServer((request, response) => void this.#serve(request.url ?? '', response));
  #broker: Messaging | null = null;
  #sign: Signer | null = null;

  async open(): Promise<this> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    this.#sign = await openSigner({ kid: 'faults', privateJwk: await exportJWK(privateKey) });
    this.keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'faults' }] };
    this.#broker = await openBroker({
      host: '127.0.0.1',
      port: 0,
      authenticate: async () => ({ kind: 'device', ...ADDRESS }),
      ingest: async (message) => this.#ingest(message.channel, message.payload),
      log: QUIET,
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.#broker?.port}`;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  publish(pack: Package): void {
    this.#bodies.set(`/v1/manifests/${pack.digest}`, pack.manifestBytes);
    for (const [sha256, bytes] of pack.artifacts) this.#bodies.set(`/v1/artifacts/${sha256}`, bytes);
  }

  async order({ baseline, candidate = null, role = 'serve' }: Orders): Promise<void> {
    this.generation += 1;
    const more = { role, rolloutId: 'ro-1', stage: 'canary', sampleEvery: 1, lease: null, requireWarm: false };
    const ref = ({ release, digest }: Package) => ({ release, digest });
    const document: Desired = {
      v: 1,
      ...ADDRESS,
      generation: this.generation,
      issuedAtMs: Date.now(),
      baseline: ref(baseline),
      candidate: candidate && { ...ref(candidate), ...more },
      cohortId: 'ro-1/candidate',
      limits: deviceLimitsSchema.parse({ latencyRatio: null, fpsFloor: null, deadlineFloorMs: 5000 }),
      liftQuarantine: [],
    };
    await this.#send(deviceTopic(ADDRESS, 'desired'), 'desired', document);
  }

  /** A kill of every candidate, or the end of all kills: each is one safety event of the device. */
  async kill(isKilled: boolean): Promise<void> {
    this.killEpoch += 1;
    const issuedAtMs = Date.now();
    const entry = { id: `k-${this.killEpoch}`, scope: { kind: 'fleet' as const }, reason: 'fault test', actor: 'test' };
    const kills = isKilled ? [{ ...entry, raisedAtMs: issuedAtMs }] : [];
    await this.#send(FLEET_KILL_TOPIC, 'kill', { v: 1, epoch: this.killEpoch, issuedAtMs, kills });
  }

  /** The device was told that this is stored: from then on it need not keep it. */
  hasAcknowledged({ boot, seq }: Numbered): boolean {
    return seq <= (this.#acknowledged.get(boot) ?? 0);
  }

  /** Numbers that are missing below the highest of each boot. */
  holes(): readonly string[] {
    return [...this.#seen].flatMap(([boot, seqs]) => {
      const last = Math.max(...seqs);
      return Array.from({ length: last }, (_, index) => index + 1)
        .filter((seq) => !seqs.has(seq))
        .map((seq) => `${boot} ${seq}`);
    });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#broker?.close();
  }

  async #send(topic: string, kind: 'desired' | 'kill', document: Desired | KillDocument): Promise<void> {
    if (!this.#sign || !this.#broker) throw new Error('the voice is not open');
    await this.#broker.publish(topic, await this.#sign(kind, document), { retain: true });
  }

  async #serve(url: string, response: ServerResponse): Promise<void> {
    const body = this.#bodies.get(url);
    if (!body) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': body.byteLength });
    for (let at = 0; at < body.byteLength && !response.destroyed; at += PIECE_BYTES) {
      response.write(body.subarray(at, at + PIECE_BYTES));
      if (this.pieceMs > 0) await wait(this.pieceMs);
    }
    response.end(() => this.delivered.push(url));
  }

  #ingest(channel: string, payload: Uint8Array): void {
    const document: unknown = JSON.parse(Buffer.from(payload).toString());
    if (channel === 'reported') this.reported = document as Reported;
    if (channel === 'hello') this.boots.push((document as Numbered).boot);
    if (channel !== 'event' && channel !== 'window') return;
    const { boot, seq } = document as Numbered;
    const seqs = this.#seen.get(boot) ?? new Set<number>();
    this.#seen.set(boot, seqs);
    if (!seqs.has(seq)) (channel === 'event' ? this.events : this.windows).push(document as never);
    seqs.add(seq);
    if (this.isAcknowledging) this.#acknowledge(boot, seqs);
  }

  #acknowledge(boot: string, seqs: ReadonlySet<number>): void {
    let mark = 0;
    while (seqs.has(mark + 1)) mark += 1;
    if (mark === 0) return;
    this.#acknowledged.set(boot, mark);
    void this.#broker?.publish(deviceTopic(ADDRESS, 'ack'), JSON.stringify({ v: 1, boot, seq: mark }), { qos: 0 });
  }
}
