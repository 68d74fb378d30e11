// One control plane as a process, light devices, people who ask again when they got no answer, and a hand that kills the
// process at the very moment something is seen: an answer, a line of its log, a document on the wire, a report it took.
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ApiClient, openApiClient } from '../../../control-plane/cli/api-client.ts';
import { readDeviceReference } from '../../../control-plane/cli/commands/device-path.ts';
import { openRandom, type Random } from '../../../control-plane/core/random.ts';
import { until } from '../../../scripts/fleet/fleet.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import { credentialsSchema } from '../../../shared/protocol/api-devices.ts';
import { killListSchema } from '../../../shared/protocol/api-kills.ts';
import { registeredSchema } from '../../../shared/protocol/api-releases.ts';
import { type RolloutView, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { auditCheckSchema } from '../../../shared/protocol/api-status.ts';
import type { Desired, KillDocument, ReleaseRef } from '../../../shared/protocol/documents.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { type DeviceWatch, LightDevice } from './light-device.ts';
import { type LogLine, type PlaneProcess, preparePlane } from './plane-process.ts';
import { holdWriteLock, readRecord, type StoredRecord } from './stored-record.ts';
import { type Answered, countOf, Witness } from './witness.ts';

/** Slack for a machine that does a lot besides. */
const DEADLINE_MS = 40_000;
const LOOK_EVERY_MS = 60;
const TICK_MS = 100;
/** Long enough that a kill on a decision's log line comes before its documents go out. */
const DELIVERY_MS = 150;
const WINDOW_MS = 300;
/** An answer on this machine takes less; so the kill falls before, within and after the work. */
const IN_FLIGHT_MS = 25;
const BLOCKED_MS = 150;
const DECISIONS_TOLD = 6;
const FLEET = ['plant-a/cam-a1', 'plant-a/cam-a2', 'plant-b/cam-b1', 'plant-b/cam-b2'] as const;

/** Something that can be seen from outside. */
export type Sighting =
  | { readonly kind: 'log'; readonly line: LogLine }
  | { readonly kind: 'view'; readonly view: RolloutView }
  | { readonly kind: 'desired'; readonly desired: Desired }
  | { readonly kind: 'kill'; readonly document: KillDocument }
  | { readonly kind: 'taken'; readonly device: LightDevice };

/** When the process dies around a request: never, with its transaction open, at a drawn instant, or when it has answered. */
export type When = 'never' | 'blocked' | 'in-flight' | 'answered';

export type Ask = {
  readonly path: string;
  /** The reason is filled in. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The field that takes the reason. */
  readonly reasonIn?: 'reason' | 'text';
  readonly when?: When;
};

export type Outcome = { readonly answered: Answered; readonly text: string };

type Trap = { readonly holds: (sighting: Sighting) => boolean; readonly spring: () => void };

export class CrashRig {
  readonly seed: number;
  readonly witness = new Witness();
  /** What was killed at, in order. */
  readonly crashes: string[] = [];
  readonly #folder: string;
  readonly #random: Random;
  readonly #bad = new Set<string>();
  readonly #devices: LightDevice[] = [];
  #plane!: PlaneProcess;
  #api!: ApiClient;
  #trap: Trap | null = null;
  #asked = 0;
  #releases = 0;

  private constructor(seed: number, folder: string) {
    this.seed = seed;
    this.#folder = folder;
    this.#random = openRandom(seed, 'crashes');
  }

  static async open(seed: number): Promise<CrashRig> {
    const rig = new CrashRig(seed, await mkdtemp(path.join(tmpdir(), 'belay-crash-')));
    try {
      await rig.#begin();
    } catch (error) {
      await rig.close();
      throw error;
    }
    return rig;
  }

  get devices(): readonly LightDevice[] {
    return this.#devices;
  }

  /** Frames that the release answers fail from now on. */
  spoil({ digest }: ReleaseRef): void {
    this.#bad.add(digest);
  }

  /** The next version, registered. */
  async nextRelease(): Promise<ReleaseRef> {
    const { manifest, artifacts } = tinyPackage({ version: `1.${this.#releases}.0` });
    this.#releases += 1;
    for (const [sha256, bytes] of artifacts)
      await this.#api.upload(endpoint('PUT /v1/artifacts/:sha256', { sha256 }), bytes);
    const { release } = await this.#api.ask(endpoint('POST /v1/releases'), registeredSchema, { manifest, actor: 'ci' });
    return { release: release.id, digest: release.digest };
  }

  view(id: string): Promise<RolloutView> {
    return this.#api.ask(endpoint('GET /v1/rollouts/:id', { id }), rolloutViewSchema);
  }

  /** Also one that the database does not know yet. */
  async newestKill(): Promise<string> {
    const { kills } = await this.#api.ask(endpoint('GET /v1/kills'), killListSchema);
    return kills[0]?.id ?? '';
  }

  record(): StoredRecord {
    return readRecord(this.#plane.databaseFile);
  }

  /** A person asks until it is done or refused: whoever gets no answer looks, and asks again if nothing has happened. */
  async ask(what: string, ask: Ask): Promise<Outcome> {
    for (let when = ask.when ?? 'never'; ; when = 'never') {
      this.#asked += 1;
      const token = `q${this.seed}-${this.#asked}`;
      const isKill = ask.path.startsWith('/v1/kills');
      const outcome = await this.#askOnce(`${what}, ${when}`, { ...ask, when }, token);
      this.witness.noteRequest(token, outcome.answered, isKill);
      if (when !== 'never') await this.#comeBack();
      if (outcome.answered !== 'unknown' || (await this.#hasHappened(token))) return { ...outcome, text: token };
    }
  }

  /** Kills the process at the first sight of this, and starts it again; `id`: the rollout that is looked at meanwhile. */
  async crashAt(what: string, id: string, holds: (sighting: Sighting) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#trap = {
      holds,
      spring: () => {
        this.#trap = null;
        void this.#plane.kill();
        resolve();
      },
    };
    const isSprung = await until(() => this.#lookUntilSprung(id), DEADLINE_MS, LOOK_EVERY_MS);
    if (!isSprung) throw new Error(await this.#describe(`never seen: ${what}`, id));
    await promise;
    await this.#plane.kill();
    this.crashes.push(what);
    await this.#comeBack();
  }

  /** A kill at a drawn instant within so many milliseconds. */
  async crashWithin(ms: number): Promise<void> {
    const afterMs = this.#random.int(0, ms);
    await wait(afterMs);
    await this.#plane.kill();
    this.crashes.push(`after ${afterMs} ms`);
    await this.#comeBack();
  }

  async await(what: string, id: string, holds: (view: RolloutView) => boolean): Promise<RolloutView> {
    let view: RolloutView | null = null;
    const isSo = await until(
      async () => {
        view = await this.#look(id);
        return view !== null && holds(view);
      },
      DEADLINE_MS,
      LOOK_EVERY_MS,
    );
    if (isSo && view) return view;
    throw new Error(await this.#describe(`not so in time: ${what}`, id));
  }

  /** Every device has its newest document and answers with what that says. */
  async awaitObedience(): Promise<void> {
    const isObeyed = () => {
      const { desired } = this.record();
      return this.#devices.every((device) => {
        const own = desired.find((each) => each.device === device.device);
        if (!own || own.generation !== device.generation) return false;
        return own.candidate !== null || (device.serving.digest === own.baseline.digest && isCommitted(device, own));
      });
    };
    if (await until(isObeyed, DEADLINE_MS, LOOK_EVERY_MS)) return;
    const states = this.#devices.map(({ device, generation, serving }) => ({ device, generation, serving }));
    throw new Error(
      `devices do not end where the record says: ${JSON.stringify({ states, record: this.record().desired })}`,
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.close()));
    await this.#plane?.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    const onLine = (line: LogLine) => this.#see({ kind: 'log', line });
    this.#plane = await preparePlane({ folder: this.#folder, tickMs: TICK_MS, deliveryMs: DELIVERY_MS, onLine });
    await this.#plane.start();
    this.#api = openApiClient(this.#plane.httpUrl, {
      token: null,
      tokenFrom: null,
      idempotencyKey: null,
      remembersVersions: false,
    });
    const committed = await this.nextRelease();
    for (const [at, name] of FLEET.entries()) {
      const credentials = await this.#api.ask(
        endpoint('POST /v1/devices/:site/:device/credentials', readDeviceReference(name)),
        credentialsSchema,
      );
      const hardwareClass = at % 2 === 0 ? 'orin-nx' : 'x86-64';
      this.#devices.push(
        await LightDevice.open({ credentials, hardwareClass, committed, windowMs: WINDOW_MS, watch: this.#watch() }),
      );
    }
    if (!(await until(() => this.#devices.every(({ generation }) => generation > 0), DEADLINE_MS, LOOK_EVERY_MS)))
      throw new Error(`devices never got a first document:\n${this.#plane.logTail()}`);
  }

  #watch(): DeviceWatch {
    return {
      onDesired: (desired) => {
        this.witness.noteDesired(desired);
        this.#see({ kind: 'desired', desired });
      },
      onKill: (topic, document) => {
        this.witness.noteKill(topic, document);
        this.#see({ kind: 'kill', document });
      },
      onReportTaken: (device) => this.#see({ kind: 'taken', device }),
      isBad: (digest) => this.#bad.has(digest),
    };
  }

  #see(sighting: Sighting): void {
    if (this.#trap?.holds(sighting)) this.#trap.spring();
  }

  async #look(id: string): Promise<RolloutView | null> {
    const view = await this.view(id).catch(() => null);
    if (view) this.#see({ kind: 'view', view });
    return view;
  }

  async #lookUntilSprung(id: string): Promise<boolean> {
    if (this.#trap !== null) await this.#look(id);
    return this.#trap === null;
  }

  async #askOnce(what: string, ask: Ask & { readonly when: When }, token: string): Promise<Outcome> {
    const { path: at, body, reasonIn = 'reason', when } = ask;
    const send = (onSent?: () => void) => this.#send(at, { ...body, [reasonIn]: `because ${token}` }, onSent);
    if (when === 'never') return send();
    this.crashes.push(what);
    if (when === 'answered') {
      const outcome = await send();
      await this.#plane.kill();
      return outcome;
    }
    const lock = when === 'blocked' ? holdWriteLock(this.#plane.databaseFile) : null;
    const kill = async () => {
      await wait(when === 'blocked' ? BLOCKED_MS : this.#random.int(0, IN_FLIGHT_MS));
      await this.#plane.kill();
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const outcome = await send(() => resolve(kill()));
    await promise;
    lock?.release();
    return outcome;
  }

  /** A connection of its own, so that its end tells nothing about others. `onSent`: the request has left. */
  #send(at: string, body: object, onSent?: () => void): Promise<Outcome> {
    const text = JSON.stringify(body);
    const length = { 'content-length': Buffer.byteLength(text) };
    const headers = { 'content-type': 'application/json', 'if-match': '*', ...length };
    return new Promise((resolve) => {
      const sent = request(`${this.#plane.httpUrl}${at}`, { method: 'POST', headers, agent: false }, (response) => {
        const answered = (response.statusCode ?? 500) < 300 ? 'granted' : 'refused';
        let answer = '';
        response.on('data', (chunk) => {
          answer += chunk;
        });
        const end = () => resolve({ answered, text: answer });
        response.on('end', end).on('error', end);
      });
      sent.on('error', () => resolve({ answered: 'unknown', text: 'no answer' }));
      sent.on('finish', () => onSent?.());
      sent.end(text);
    });
  }

  async #comeBack(): Promise<void> {
    await this.#plane.start();
    await this.checkRecord(`after "${this.crashes.at(-1)}"`);
  }

  /** Throws with everything that is wrong. */
  async checkRecord(where: string): Promise<void> {
    const faults = [...this.witness.check(this.record())];
    const chain = await this.#api.ask(endpoint('GET /v1/audit/verify'), auditCheckSchema);
    if (chain.kind !== 'intact') faults.push(`the audit chain is broken at ${chain.seq}: ${chain.reason}`);
    if (!(await until(() => this.witness.checkLate(this.record()).length === 0, DEADLINE_MS / 8, LOOK_EVERY_MS)))
      faults.push(...this.witness.checkLate(this.record()));
    if (faults.length === 0) return;
    const last = this.record()
      .decisions.slice(-DECISIONS_TOLD)
      .map(({ seq, rule, reason, to_state }) => `${seq} ${rule} → ${to_state}: ${reason}`);
    throw new Error(
      `seed ${this.seed}, ${where}: ${faults.join('; ')}\nkilled at: ${this.crashes.join(' | ')}\n${last.join('\n')}`,
    );
  }

  async #hasHappened(token: string): Promise<boolean> {
    if (countOf(this.record().audit, token) > 0) return true;
    const { kills } = await this.#api.ask(endpoint('GET /v1/kills'), killListSchema);
    return kills.some(({ reason }) => reason.includes(token));
  }

  async #describe(problem: string, id: string): Promise<string> {
    const view = await this.view(id).catch(() => null);
    const standing = view && { state: view.state, phase: view.phase, stage: view.stage, status: view.status };
    const last = view?.decisions.slice(0, 4).map(({ seq, kind, reason }) => `${seq} ${kind}: ${reason}`);
    return `seed ${this.seed}: ${problem}; ${JSON.stringify({ standing, last })}\nkilled at: ${this.crashes.join(' | ')}\n${this.#plane.logTail()}`;
  }
}

function isCommitted(device: LightDevice, { baseline }: Desired): boolean {
  return device.committed.digest === baseline.digest;
}
