// One real device for faults: a real agent with real models on pictures of our choice, and a control plane reduced to its
// voice, so that a test decides what is ordered when. Pictures come from a folder: what is bright is what a fault waits for.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import {
  DEVICE,
  type DocumentServer,
  type OrderChange,
  openDocumentServer,
} from '../../scripts/bench/document-server.ts';
import { childrenRunning } from '../../scripts/bench/machine.ts';
import type { Workspace } from '../../scripts/bench/workspace.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { assemblePackage } from '../../scripts/fleet/package-folder.ts';
import { type Program, startProgram } from '../../scripts/fleet/program.ts';
import { MODEL_PATH, sha256Of } from '../../scripts/models/release-store.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import { packGoldenSet, readGoldenSet } from '../../shared/release/golden.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

const BASELINE = 'cv-detector/1.8.2';
const FPS = 10;
/** Enough kinds of defect to tell one model from another, few enough to be quick. */
const GOLDEN_FRAMES = 12;
const DEADLINE_MS = 30_000;
const PX = 256;
/** Long enough for a camera of ten frames a second: what was captured meanwhile waits for a runner that stands still. */
const SILENCE_MS = 500;

export type Quarantined = Reported['quarantine'][number];

export class FaultRig {
  readonly answers: AnswerRecord[] = [];
  readonly #stack = new AsyncDisposableStack();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'belay-faults-'));
  #server: DocumentServer | null = null;
  #agent: Program | null = null;
  #starts = 0;

  /** Starts the device; resolves with its factory release once that answers. */
  async open(): Promise<ReleaseRef> {
    const ringFolder = mkdtempSync('/dev/shm/belay-faults-');
    for (const folder of [this.#folder, ringFolder])
      this.#stack.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    await this.#makeFactory();
    await this.show([]);
    this.#server = await openDocumentServer(this.#workspace(ringFolder));
    this.#writeConfig(ringFolder);
    const baseline = this.server.publishPackage(this.#at('factory'));
    this.#start();
    await this.until('the first answer', () => this.answers.length > 0);
    await this.server.order(baseline, null);
    return baseline;
  }

  get server(): DocumentServer {
    if (this.#server === null) throw new Error('the rig is not open');
    return this.#server;
  }

  get quarantine(): readonly Quarantined[] {
    return this.server.reported()?.quarantine ?? [];
  }

  /** The next version of the baseline: its model made otherwise, and what its manifest says of itself. */
  publish(
    version: string,
    make: (model: Uint8Array) => Uint8Array,
    change: (manifest: Manifest) => Partial<Manifest> = () => ({}),
  ): ReleaseRef {
    const folder = this.#at(version);
    const manifest = this.#manifest();
    for (const { path: name } of manifest.files) copyInto(this.#at('factory'), folder, name);
    const model = make(readFileSync(path.join(folder, MODEL_PATH)));
    writeFileSync(path.join(folder, MODEL_PATH), model);
    const files = manifest.files.map((file) =>
      file.role === 'model' ? { ...file, sha256: sha256Of(model), bytes: model.length } : file,
    );
    writeFileSync(
      path.join(folder, 'manifest.json'),
      JSON.stringify({ ...manifest, version, files, ...change(manifest) }),
    );
    return this.server.publishPackage(folder);
  }

  order(baseline: ReleaseRef, candidate: ReleaseRef | null, change: OrderChange = {}): Promise<void> {
    // A busy machine is not the model's fault: what a row does not ask for shall not break here.
    const patient = { latencyRatio: null, emptyForMs: null, deadlineFloorMs: 5000, temperatureCeilingC: null };
    return this.server.order(baseline, candidate, { ...change, limits: { ...patient, ...change.limits } });
  }

  /** What the camera sees from its next round on: the line, and then flat pictures of these grey levels. */
  async show(greys: readonly number[]): Promise<void> {
    const folder = this.#at('pictures');
    mkdirSync(folder, { recursive: true });
    for (const grey of greys) {
      const flat = sharp({ create: { width: PX, height: PX, channels: 3, background: { r: grey, g: grey, b: grey } } });
      // Whole at once: the camera reads while we write.
      const file = path.join(folder, `grey-${grey}.png`);
      writeFileSync(`${file}.new`, await flat.png().toBuffer());
      renameSync(`${file}.new`, file);
    }
  }

  /** The camera sees the line alone again. */
  calm(greys: readonly number[]): void {
    for (const grey of greys) rmSync(path.join(this.#at('pictures'), `grey-${grey}.png`), { force: true });
  }

  /** Pids of runners by how readily the kernel may take them: 300 baseline, 800 candidate. Youngest last. */
  runners(oomScore: 300 | 800): readonly number[] {
    const all = childrenRunning(this.#agent?.pid ?? -1, 'runner-process.ts');
    return all.filter((pid) => readIfThere(`/proc/${pid}/oom_score_adj`).trim() === String(oomScore)).sort();
  }

  /** Lets the candidate's process stand still until it holds a frame, and lets it die then. */
  async killInFlight(signal: NodeJS.Signals): Promise<void> {
    const [runner] = this.runners(800);
    if (runner === undefined) throw new Error('no candidate runs');
    process.kill(runner, 'SIGSTOP');
    let count = this.answers.length;
    let sinceMs = performance.now();
    await this.until('the line waits for it', () => {
      if (this.answers.length !== count) [count, sinceMs] = [this.answers.length, performance.now()];
      return performance.now() - sinceMs > SILENCE_MS;
    });
    process.kill(runner, signal);
    process.kill(runner, 'SIGCONT');
  }

  /** SIGKILL, and the same agent again. */
  async crashAndRestart(): Promise<void> {
    this.#agent?.kill('SIGKILL');
    await this.#agent?.ended;
    this.#start();
  }

  async until(what: string, holds: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
    if (await until(holds, deadlineMs, 10)) return;
    const { phase, blocked, quarantine, servingBecause } = this.server.reported() ?? {};
    const seen = JSON.stringify({ phase, blocked, quarantine, servingBecause });
    throw new Error(`not within ${deadlineMs} ms: ${what}; ${seen}\n${await this.#agent?.logTail()}`);
  }

  async close(): Promise<void> {
    await this.#agent?.stop();
    await this.#stack.disposeAsync();
  }

  #start(): void {
    this.#starts += 1;
    this.#agent = startProgram({
      name: `agent-${this.#starts}`,
      entry: 'agent/main.ts',
      args: ['--config', this.#at('agent.json'), '--tether'],
      logFolder: this.#folder,
      onLine: (line) => {
        // A killed agent may leave half a line: that was never an answer.
        if (line.endsWith('}')) this.answers.push(JSON.parse(line) as AnswerRecord);
      },
    });
  }

  /** The baseline with a short golden set; the line's pictures are those of the set. */
  async #makeFactory(): Promise<void> {
    const factory = await assemblePackage(BASELINE, this.#at('factory'));
    const manifest = this.#manifest();
    const { frames: framesPath, expect: expectPath } = manifest.golden;
    const set = readGoldenSet(readFileSync(path.join(factory, framesPath)));
    if (!set.ok) throw new Error('the golden set of the baseline cannot be read');
    const { index, picture } = set.value;
    const frames = index.frames
      .slice(0, GOLDEN_FRAMES)
      .map(({ format, objects }, i) => ({ format, objects, picture: picture(i) }));
    const expectation = JSON.parse(readFileSync(path.join(factory, expectPath), 'utf8')) as { answers: unknown[] };
    const bodies = {
      [framesPath]: Buffer.from(packGoldenSet(index.name, frames)),
      [expectPath]: Buffer.from(
        JSON.stringify({ ...expectation, answers: expectation.answers.slice(0, GOLDEN_FRAMES) }),
      ),
    };
    for (const [name, body] of Object.entries(bodies)) writeFileSync(path.join(factory, name), body);
    const files = manifest.files.map((file) => {
      const body = bodies[file.path];
      return body === undefined ? file : { ...file, sha256: sha256Of(body), bytes: body.length };
    });
    writeFileSync(path.join(factory, 'manifest.json'), JSON.stringify({ ...manifest, files }));
    mkdirSync(this.#at('pictures'));
    for (const [i, frame] of frames.entries())
      writeFileSync(path.join(this.#at('pictures'), `dark-${i}.jpg`), frame.picture);
  }

  #manifest(): Manifest {
    return JSON.parse(readFileSync(path.join(this.#at('factory'), 'manifest.json'), 'utf8')) as Manifest;
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  #workspace(ringFolder: string): Workspace {
    const defer = (end: () => void | Promise<void>) => void this.#stack.defer(async () => end());
    return { folder: this.#folder, ringFolder, defer, hold: (work) => work };
  }

  #writeConfig(ringDir: string): void {
    const { mqttUrl, apiUrl, keySet } = this.server;
    const trustFile = this.#at('trust.json');
    writeFileSync(trustFile, JSON.stringify(keySet));
    const config = {
      ...DEVICE,
      hardwareClass: 'linux-x64',
      dataDir: this.#at('data'),
      factory: this.#at('factory'),
      controlPlane: { mqttUrl, apiUrl, password: 'system-test', trustFile },
      cameras: [{ id: 'camera-1', source: { kind: 'folder', path: this.#at('pictures'), fps: FPS } }],
      windowMs: 1000,
      ringDir,
      killFile: this.#at('kill'),
      download: { spreadMs: 0 },
      logLevel: 'warn',
    };
    writeFileSync(this.#at('agent.json'), JSON.stringify(config));
  }
}

/** `<device>/<camera>/<boot>-<sequence>` */
export function sequenceOf(answer: AnswerRecord): number {
  return Number(answer.request_id.split('-').at(-1));
}

function copyInto(from: string, to: string, name: string): void {
  mkdirSync(path.dirname(path.join(to, name)), { recursive: true });
  copyFileSync(path.join(from, name), path.join(to, name));
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
