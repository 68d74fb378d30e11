// What every runner must do, whatever it is written in: speaks to a runner command on raw bytes, without the agent's
// own runner code, so that the documents and the behaviour are held together. Used by runner-protocol.test.ts.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { RingInfo } from '../../agent/frames/ring.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

export type Said = Readonly<Record<string, unknown>> & { readonly type: string };

export type RawRunner = {
  readonly pid: number;
  readonly said: readonly Said[];
  hello(change?: Readonly<Record<string, unknown>>): void;
  frame(slot: number, seq: number): void;
  json(value: Readonly<Record<string, unknown>>): void;
  raw(bytes: Uint8Array): void;
  /** Closes the stream, as the agent's death would. */
  hangUp(): void;
  heard(what: string, isIt: (said: Said) => boolean): Promise<Said>;
  exited(): Promise<{ readonly code: number | null; readonly signal: string | null }>;
  end(): void;
};

const DEADLINE_MS = 15_000;

/** Starts `command` with fd 3 as the protocol wants it. */
export function openRawRunner(
  command: readonly string[],
  load: { readonly manifest: Manifest; readonly packageDir: string; readonly ring: RingInfo },
): RawRunner {
  const [program = '', ...parameters] = command;
  const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env: {} });
  const stream = child.stdio[3] as Duplex;
  stream.on('error', () => undefined);
  const said: Said[] = [];
  collect(stream, said);
  const exit = exitOf(child);
  const json = (value: Readonly<Record<string, unknown>>): void => write(stream, 1, Buffer.from(JSON.stringify(value)));
  return {
    pid: child.pid ?? -1,
    said,
    json,
    hello: (change = {}) => json({ type: 'hello', protocol: 1, threads: 1, role: 'candidate', ...load, ...change }),
    frame(slot, seq) {
      const body = Buffer.alloc(8);
      body.writeUInt32LE(slot, 0);
      body.writeUInt32LE(seq, 4);
      write(stream, 2, body);
    },
    raw: (bytes) => void stream.write(bytes),
    hangUp: () => void stream.destroy(),
    heard: (what, isIt) => waitFor(what, () => said.find(isIt)),
    exited: () => within('the exit', exit),
    end: () => void child.kill('SIGKILL'),
  };
}

function write(stream: Duplex, kind: number, body: Uint8Array): void {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(body.byteLength + 1, 0);
  head[4] = kind;
  stream.write(Buffer.concat([head, body]));
}

function collect(stream: Duplex, said: Said[]): void {
  let pending: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 5 && pending.length >= 4 + pending.readUInt32LE(0)) {
      const end = 4 + pending.readUInt32LE(0);
      if (pending[4] !== 1) throw new Error(`a runner said something of kind ${pending[4]}`);
      said.push(JSON.parse(pending.subarray(5, end).toString('utf8')) as Said);
      pending = pending.subarray(end);
    }
  });
}

function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
}

async function waitFor<T>(what: string, find: () => T | undefined): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    const found = find();
    if (found !== undefined) return found;
    if (performance.now() - startedAt > DEADLINE_MS) throw new Error(`still waiting for: ${what}`);
    await delay(5);
  }
}

function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = delay(DEADLINE_MS, undefined, { ref: false }).then(() => {
    throw new Error(`still waiting for: ${what}`);
  });
  return Promise.race([promise, late]);
}
