// A whole agent process against a real broker and a real registry on loopback, with real models: for the tests of the
// agent as a program. Owns every process and folder it makes.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair } from 'jose';
import { lineNamed, loopRequestOf } from '../../agent/frames/line/lines.ts';
import { renderLoop } from '../../agent/frames/line/loop.ts';
import { type Messaging, openBroker } from '../../control-plane/messaging/messaging.ts';
import { assemblePackage } from '../../scripts/fleet/package-folder.ts';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { Desired, KillDocument } from '../../shared/protocol/documents.ts';
import { type DeviceLimits, deviceLimitsSchema } from '../../shared/protocol/limits.ts';
import type { DeviceEvent, Reported } from '../../shared/protocol/reports.ts';
import { deviceTopic, FLEET_KILL_TOPIC } from '../../shared/protocol/topics.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { type Manifest, releaseIdOf } from '../../shared/release/manifest.ts';
import { openSigner, type Signer } from '../../shared/signing/signed-document.ts';
import { RegistryServer } from './artifacts/registry-server.ts';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));
const ADDRESS = { site: 'site-a', device: 'device-1' };
const FPS = 8;

export type PackedRelease = { readonly release: string; readonly digest: string };
export type AnswerLine = { readonly request_id: string; readonly model_digest: string; readonly role: string };

export class AgentRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'belay-agent-'));
  /** A device's rings belong to one agent: other rigs of the same name run beside this one. */
  readonly ringDir = mkdtempSync('/dev/shm/belay-agent-');
  readonly answers: AnswerLine[] = [];
  /** Of its configuration; may be set before `open`. */
  cameras: readonly object[] = [{ id: 'camera-1', source: { kind: 'line', loop: 'line.loop', fps: FPS } }];
  /** Of every later order. */
  limits: Partial<DeviceLimits> = {};
  requireWarm = false;
  readonly events: DeviceEvent[] = [];
  readonly windows: Record<string, unknown>[] = [];
  readonly hellos: Record<string, unknown>[] = [];
  reported: Reported | null = null;
  log = '';
  child: ChildProcess | null = null;
  #broker: Messaging | null = null;
  #registry: RegistryServer | null = null;
  #sign: Signer | null = null;
  #generation = 0;
  readonly #seen = new Set<string>();

  /** `factory`: which release of the repository the device is born with. */
  async open(factory: string): Promise<PackedRelease> {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    this.#sign = await openSigner({ kid: 'test', privateJwk: await exportJWK(privateKey) });
    writeFileSync(
      join(this.folder, 'trust.json'),
      JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test' }] }),
    );
    this.#registry = await RegistryServer.open();
    this.#broker = await openBroker({
      host: '127.0.0.1',
      port: 0,
      authenticate: async () => ({ kind: 'device', ...ADDRESS }),
      ingest: async (message) => this.#ingest(message.channel, message.payload),
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    });
    const line = lineNamed('brackets-1');
    if (!line) throw new Error('no such line');
    await renderLoop(loopRequestOf(line, { path: join(this.folder, 'line.loop'), frames: 59, stepPx: 20 }));
    const packed = await this.publish(factory, 'factory');
    this.#writeConfig();
    return packed;
  }

  /** Puts a release of the repository into the registry; `change` makes another release of it. */
  async publish(
    folder: string,
    name = folder.replace('/', '-'),
    change?: (manifest: Manifest) => Manifest,
  ): Promise<PackedRelease> {
    return this.offer(await assemblePackage(folder, join(this.folder, name)), change);
  }

  /** Puts a package folder into the registry. */
  offer(at: string, change?: (manifest: Manifest) => Manifest): PackedRelease {
    const raw = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')) as Manifest;
    const manifest = change ? change(raw) : raw;
    const bytes = Buffer.from(canonicalJson(manifest));
    const digest = createHash('sha256').update(bytes).digest('hex');
    const bodies = this.#registry?.bodies;
    bodies?.set(`/v1/manifests/${digest}`, bytes);
    for (const file of manifest.files) bodies?.set(`/v1/artifacts/${file.sha256}`, readFileSync(join(at, file.path)));
    return { release: formatReleaseId(releaseIdOf(manifest)), digest };
  }

  /** Paths that the agent has asked the registry for, in order. */
  downloads(): readonly string[] {
    return (this.#registry?.requests ?? []).map(({ url }) => url);
  }

  /** Changes the agent's configuration; it counts from its next start. */
  configure(change: object): void {
    const file = join(this.folder, 'agent.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }));
  }

  /** Standard output and error go where they are read here, unless descriptors are given. */
  start(options: { readonly stdout?: number; readonly stderr?: number; readonly env?: NodeJS.ProcessEnv } = {}): void {
    this.answers.length = 0;
    const { stdout = 'pipe', stderr = 'pipe', env = {} } = options;
    const child = spawn(process.execPath, [MAIN, '--config', join(this.folder, 'agent.json')], {
      stdio: ['ignore', stdout, stderr],
      env: { ...process.env, ...env },
    });
    this.child = child;
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.answers.push(JSON.parse(line) as AnswerLine);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
  }

  /** Ends the agent; resolves with its exit code or signal. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | string | null> {
    const { child } = this;
    this.child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
    return child.exitCode ?? child.signalCode;
  }

  /** Processes of the agent with their nice value: 0 sources, 1 baseline, 5 candidate, 19 shadow and scoring. */
  processes(): { readonly pid: number; readonly nice: number }[] {
    const { pid } = this.child ?? {};
    if (pid === undefined) return [];
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
    return pids.map((child) => ({ pid: child, nice: Number(statOf(child)?.[16]) }));
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    await this.#broker?.close();
    await this.#registry?.close();
    for (const one of [this.folder, this.ringDir]) rmSync(one, { recursive: true, force: true });
  }

  async order(
    baseline: PackedRelease,
    candidate: (PackedRelease & { readonly role: 'prove' | 'shadow' | 'serve' }) | null,
    generation = this.#generation + 1,
  ): Promise<void> {
    this.#generation = Math.max(this.#generation, generation);
    const document: Desired = {
      v: 1,
      ...ADDRESS,
      generation,
      issuedAtMs: Date.now(),
      baseline,
      candidate: candidate && {
        ...candidate,
        rolloutId: 'ro-1',
        stage: 'canary',
        sampleEvery: 1,
        lease: null,
        requireWarm: this.requireWarm,
      },
      cohortId: 'ro-1/candidate',
      limits: deviceLimitsSchema.parse(this.limits),
      liftQuarantine: [],
    };
    await this.#send(deviceTopic(ADDRESS, 'desired'), 'desired', document);
  }

  async kill(document: KillDocument): Promise<void> {
    await this.#send(FLEET_KILL_TOPIC, 'kill', document);
  }

  /** Any text on the desired topic, as a broken or hostile control plane would send it. */
  async sendRaw(text: string): Promise<void> {
    await this.#broker?.publish(deviceTopic(ADDRESS, 'desired'), text, { retain: true });
  }

  /** Waits until the condition holds; fails with what the agent said last. */
  async until(what: string, condition: () => boolean, deadlineMs = 20_000): Promise<void> {
    const endMs = performance.now() + deadlineMs;
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`${what}: not within ${deadlineMs} ms\n${this.#tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  answeredBy(release: PackedRelease, from: number): boolean {
    return this.answers.slice(from).some((answer) => answer.model_digest === release.digest);
  }

  event(kind: string): DeviceEvent | undefined {
    return this.events.findLast((event) => event.kind === kind);
  }

  async #send(topic: string, kind: 'desired' | 'kill', document: unknown): Promise<void> {
    if (!this.#sign || !this.#broker) throw new Error('the rig is not open');
    await this.#broker.publish(topic, await this.#sign(kind, document), { retain: true });
  }

  async #ingest(channel: string, payload: Uint8Array): Promise<void> {
    const document = JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>;
    if (channel === 'reported') this.reported = document as Reported;
    if (channel === 'hello') this.hellos.push(document);
    if (channel !== 'window' && channel !== 'event') return;
    const key = `${document.boot} ${document.seq}`;
    if (!this.#seen.has(key)) (channel === 'window' ? this.windows : this.events).push(document as DeviceEvent);
    this.#seen.add(key);
    const ack = JSON.stringify({ v: 1, boot: document.boot, seq: document.seq });
    void this.#broker?.publish(deviceTopic(ADDRESS, 'ack'), ack, { qos: 0 });
  }

  #writeConfig(): void {
    const config = {
      ...ADDRESS,
      hardwareClass: 'linux-x64',
      dataDir: 'data',
      ringDir: this.ringDir,
      factory: 'factory',
      controlPlane: {
        mqttUrl: `mqtt://127.0.0.1:${this.#broker?.port}`,
        apiUrl: this.#registry?.url,
        password: 'secret',
        trustFile: 'trust.json',
      },
      cameras: this.cameras,
      windowMs: 1000,
      download: { spreadMs: 0 },
      killFile: join(this.folder, 'kill-file'),
    };
    writeFileSync(join(this.folder, 'agent.json'), JSON.stringify(config));
  }

  #tail(): string {
    const { phase, blocked, servingBecause } = this.reported ?? {};
    return `${JSON.stringify({ phase, blocked, servingBecause })}\n${this.log.split('\n').slice(-25).join('\n')}`;
  }
}

/** Fields of /proc/<pid>/stat from the third on; null when the process is gone (a zombie is). */
export function statOf(pid: number): readonly string[] | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields[0] === 'Z' ? null : fields;
  } catch {
    return null;
  }
}
