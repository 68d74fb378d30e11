// One runner under test: started as the agent starts it, spoken to over its real fd 3, with a real ring of pictures. What
// it says is kept as it came; whether it was right is judged by the rules.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { childEnvironment } from '../../agent/frames/child-process.ts';
import { encodeBinary, encodeJson, MessageReader } from '../../agent/frames/framing.ts';
import { createRing, openRing, type RingInfo } from '../../agent/frames/ring.ts';
import { decodeFromRunner, type FromRunner } from '../../agent/inference/runner-protocol.ts';
import { describeRefusal, PROTOCOL } from '../../agent/inference/runner-wire.ts';
import { describeError } from '../../shared/basics/errors.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

const LINES_KEPT = 20;
const LOOK_EVERY_MS = 2;

export type SessionOptions = {
  readonly command: readonly string[];
  readonly manifest: Manifest;
  readonly packageDir: string;
  /** A folder of this session alone; the ring is made in it. */
  readonly folder: string;
  /** The picture of each slot. */
  readonly pictures: readonly Uint8Array[];
};

export type Ended = { readonly code: number | null; readonly signal: string | null };

export class RunnerSession {
  readonly ring: RingInfo;
  /** Everything it has said, in order. */
  readonly said: FromRunner[] = [];
  /** The last lines that it printed. */
  readonly printed: string[] = [];
  /** What broke the framing or the schema. */
  violation: string | null = null;
  ended: Ended | null = null;
  /** Rejects when there is no such program, or it must not be run. */
  readonly started: Promise<void>;
  readonly #options: SessionOptions;
  readonly #process: ChildProcess;
  readonly #stream: Duplex;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.ring = makeRing(options);
    const [program = '', ...parameters] = options.command;
    const env = childEnvironment(process.env);
    this.#process = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env });
    this.#stream = this.#process.stdio[3] as Duplex;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#process.once('spawn', resolve);
    this.#process.once('error', reject);
    // Whoever does not ask sees that it has ended, and why, in what it printed.
    promise.catch(() => undefined);
    this.started = promise;
    this.#listen();
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.#stream.writable) this.#stream.write(bytes);
  }

  sendJson(value: Readonly<Record<string, unknown>>): void {
    this.sendBytes(encodeJson(value));
  }

  /** As the agent says it first, with what a rule wants otherwise. */
  hello(change: Readonly<Record<string, unknown>> = {}): void {
    const { manifest, packageDir } = this.#options;
    const { ring } = this;
    this.sendJson({
      type: 'hello',
      protocol: PROTOCOL,
      manifest,
      packageDir,
      ring,
      threads: 1,
      role: 'candidate',
      ...change,
    });
  }

  frame(slot: number, seq: number): void {
    this.sendBytes(encodeFrame(slot, seq));
  }

  drain(): void {
    this.sendJson({ type: 'drain' });
  }

  /** The agent's end of the stream goes away, as when the agent dies. */
  endStream(): void {
    this.#stream.destroy();
  }

  /** Waits until it holds; false when it does not within the time, or the runner has ended or broken the protocol before. */
  async await(holds: () => boolean, deadlineMs: number): Promise<boolean> {
    const endMs = performance.now() + deadlineMs;
    while (!holds() && this.ended === null && this.violation === null && performance.now() < endMs)
      await wait(LOOK_EVERY_MS);
    return holds();
  }

  async close(): Promise<void> {
    if (this.ended !== null) return;
    const gone = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  #listen(): void {
    const reader = new MessageReader();
    this.#stream.on('error', () => undefined);
    this.#stream.on('data', (chunk: Uint8Array) => {
      try {
        for (const message of reader.push(chunk)) {
          const parsed = decodeFromRunner(message);
          if (parsed.ok) this.said.push(parsed.value);
          else this.violation ??= describeRefusal(parsed);
        }
      } catch (error) {
        this.violation ??= describeError(error);
      }
    });
    this.#process.on('error', (error) => {
      this.printed.push(describeError(error));
      this.ended = { code: null, signal: null };
    });
    // Not `exit`: what it wrote before it ended may still be on its way then.
    this.#process.on('close', (code, signal) => {
      this.ended = { code, signal };
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#print(line));
    }
  }

  #print(line: string): void {
    this.printed.push(line);
    if (this.printed.length > LINES_KEPT) this.printed.shift();
  }
}

/** u32 LE slot, u32 LE seq, in a binary message. */
export function encodeFrame(slot: number, seq: number): Uint8Array {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(slot, 0);
  body.writeUInt32LE(seq, 4);
  return encodeBinary(body);
}

/** How the runner has opened its ring; nothing when it does not hold it open between frames. */
export function ringAccess(session: RunnerSession): readonly ('read' | 'write')[] {
  const folder = `/proc/${session.pid}/fd`;
  const onRing = readdirSync(folder).filter((fd) => readlinkSync(`${folder}/${fd}`) === session.ring.path);
  return onRing.map((fd) => {
    const info = readFileSync(`/proc/${session.pid}/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s+([0-7]+)$/m.exec(info)?.[1] ?? '', 8);
    return (flags & 3) === 0 ? 'read' : 'write';
  });
}

function makeRing({ folder, manifest, pictures }: SessionOptions): RingInfo {
  const place = { ringDir: folder, device: 'conformance', cameraId: 'camera', contract: manifest.input };
  const info = createRing(place, pictures.length);
  const ring = openRing(info, 'w');
  for (const [slot, picture] of pictures.entries()) ring.write(slot, picture);
  ring.close();
  return info;
}
