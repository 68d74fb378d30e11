// A whole control plane on free ports and its own folder, and devices that speak to it over real MQTT.
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt, { type MqttClient } from 'mqtt';
import { type ConfigInput, parseConfig } from '../../control-plane/config.ts';
import { type ControlPlane, openControlPlane } from '../../control-plane/main.ts';
import type { Window } from '../../shared/measure/window.ts';
import type { DeviceCredentials } from '../../shared/protocol/api-devices.ts';
import {
  type Ask,
  askSchema,
  type Desired,
  desiredSchema,
  type KillDocument,
  killDocumentSchema,
  type Lease,
  leaseSchema,
} from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import { askTopic, type DeviceChannel, deviceSubscriptions, deviceTopic } from '../../shared/protocol/topics.ts';
import { openVerifier, type Verifier } from '../../shared/signing/signed-document.ts';
import type { TinyPackage } from '../builders/tiny-package.ts';
import { buildWindow } from '../shared/measure/window-builder.ts';

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

export type PlaneBench = {
  readonly folder: string;
  readonly plane: ControlPlane;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  put(path: string, body: unknown): Promise<Answer>;
  /** Uploads and registers; returns the digest. */
  register(release: TinyPackage): Promise<{ readonly release: string; readonly digest: string }>;
  connect(site: string, device: string): Promise<TestDevice>;
  /** Ends the process's state and starts again on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

/** Passwords of tests are worth no more than this. */
const CHEAP = { logN: 4, r: 1, p: 1 };

/** With `signIn: required` it asks everything as the first admin. */
export async function openPlaneBench(config: Partial<ConfigInput> = {}): Promise<PlaneBench> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-plane-'));
  const ports = { http: { port: 0 }, mqtt: { port: 0 } };
  let password = '';
  const onFirstAdmin = (made: string): void => {
    password = made;
  };
  const ofPeople = { passwordCost: CHEAP, onFirstAdmin };
  const open = () => {
    return openControlPlane(
      parseConfig({ dataDir: folder, ...ports, signIn: 'open', log: { level: 'silent' }, deliveryMs: 50, ...config }),
      config.signIn === 'required' ? ofPeople : {},
    );
  };
  let plane = await open();
  const asAdmin = config.signIn === 'required' ? await signIn(plane.httpUrl, password) : {};
  const devices: TestDevice[] = [];
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(`${plane.httpUrl}${path}`, { ...init, headers: { ...init.headers, ...asAdmin } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const send = (method: string, path: string, body: unknown): Promise<Answer> => {
    // Whatever version it is now: what these tests are about is not who was first.
    const headers = { 'content-type': 'application/json', 'if-match': '*' };
    return call(path, { method, headers, body: JSON.stringify(body) });
  };
  const post = (path: string, body: unknown): Promise<Answer> => send('POST', path, body);
  return {
    folder,
    get plane() {
      return plane;
    },
    get: (path) => call(path, {}),
    post,
    put: (path, body) => send('PUT', path, body),
    register: async (release) => {
      for (const [sha256, bytes] of release.artifacts) {
        const headers = { 'content-type': 'application/octet-stream' };
        const body = new Blob([new Uint8Array(bytes)]);
        await call(`/v1/artifacts/${sha256}`, { method: 'PUT', headers, body });
      }
      const { body } = await post('/v1/releases', { manifest: release.manifest });
      const { id, digest } = body.release as { id: string; digest: string };
      return { release: id, digest };
    },
    connect: async (site, device) => {
      const { body } = await post(`/v1/devices/${site}/${device}/credentials`, {});
      const connected = await TestDevice.open(body as unknown as DeviceCredentials);
      devices.push(connected);
      return connected;
    },
    restart: async () => {
      await plane.close();
      plane = await open();
    },
    close: async () => {
      for (const device of devices) await device.close();
      await plane.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function signIn(url: string, password: string): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(`${url}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'admin', password }),
  });
  const { csrf } = (await response.json()) as { csrf: string };
  const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';');
  return { cookie, 'x-belay-csrf': csrf };
}

/** What an agent does on the wire, without a model: connects, keeps documents, reports what the test wants. */
export class TestDevice {
  readonly site: string;
  readonly device: string;
  readonly boot = randomUUID();
  readonly desired: Desired[] = [];
  readonly leases: Lease[] = [];
  readonly asks: Ask[] = [];
  readonly kills: { readonly topic: string; readonly document: KillDocument; readonly text: string }[] = [];
  readonly acks: { readonly boot: string; readonly seq: number }[] = [];
  readonly #client: MqttClient;
  readonly #verify: Verifier;

  private constructor(credentials: DeviceCredentials, client: MqttClient, verify: Verifier) {
    this.site = credentials.site;
    this.device = credentials.device;
    this.#client = client;
    this.#verify = verify;
  }

  static async open(credentials: DeviceCredentials): Promise<TestDevice> {
    const { site, device, password, mqttUrl, keySet } = credentials;
    const client = mqtt.connect(mqttUrl, {
      clientId: device,
      username: site,
      password,
      protocolVersion: 4,
      clean: true,
      reconnectPeriod: 100,
    });
    const opened = new TestDevice(credentials, client, await openVerifier(keySet));
    client.on('message', (topic, payload) => void opened.#take(topic, payload.toString()));
    client.on('error', () => {});
    await connected(client);
    await client.subscribeAsync([...deviceSubscriptions({ site, device }), askTopic({ site, device })], { qos: 1 });
    return opened;
  }

  /** Any document on any channel of this device, header filled in. */
  async send(channel: DeviceChannel, document: Record<string, unknown>): Promise<void> {
    const header = { v: 1, site: this.site, device: this.device, boot: this.boot };
    await this.sendRaw(channel, JSON.stringify({ ...header, ...document }));
  }

  async sendRaw(channel: DeviceChannel, payload: string | Buffer): Promise<void> {
    const retain = channel === 'status' || channel === 'reported';
    await this.#client.publishAsync(deviceTopic(this, channel), payload, { qos: 1, retain });
  }

  async hello(document: Record<string, unknown> = {}): Promise<void> {
    await this.send('status', { online: true });
    const identity = { agentVersion: '0.1.0', hardwareClass: 'x86-64', line: null };
    await this.send('hello', { ...identity, generation: 0, killEpoch: 0, seq: 0, ...document });
  }

  async report(document: Partial<Reported> = {}): Promise<void> {
    await this.send('reported', {
      atMs: Date.now(),
      agentVersion: '0.1.0',
      hardwareClass: 'x86-64',
      line: null,
      generation: 0,
      killEpoch: 0,
      phase: 'baseline',
      serving: null,
      servedFrames: 0,
      servingBecause: 'the committed baseline',
      committed: null,
      previous: null,
      candidate: null,
      mode: 'warm',
      provider: null,
      proofs: [],
      quarantine: [],
      kills: [],
      blocked: [],
      ...document,
    });
  }

  async window(seq: number, part: Partial<Window> = {}): Promise<void> {
    const { site, device, boot } = this;
    await this.send('window', buildWindow({ site, device, boot, seq, generation: 0, killEpoch: 0, ...part }));
  }

  async event(seq: number, document: Record<string, unknown>): Promise<void> {
    await this.send('event', { seq, kind: 'boot', atMs: Date.now(), reason: 'test', ...document });
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  async #take(topic: string, text: string): Promise<void> {
    if (topic.endsWith('/ack')) {
      this.acks.push(JSON.parse(text));
    } else if (topic.endsWith('/lease')) {
      const verified = await this.#verify('lease', leaseSchema, text);
      if (verified.ok) this.leases.push(verified.value);
    } else if (topic.endsWith('/ask')) {
      const verified = await this.#verify('ask', askSchema, text);
      if (verified.ok) this.asks.push(verified.value);
    } else if (topic.endsWith('/desired')) {
      const verified = await this.#verify('desired', desiredSchema, text);
      if (verified.ok) this.desired.push(verified.value);
    } else {
      const verified = await this.#verify('kill', killDocumentSchema, text);
      if (verified.ok) this.kills.push({ topic, document: verified.value, text });
    }
  }
}

const CONNECT_DEADLINE_MS = 5000;

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = new Error('the device could not connect');
    const timer = setTimeout(() => reject(late), CONNECT_DEADLINE_MS);
    client.once('connect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
