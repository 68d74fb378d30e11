// What goes over a runner's fd 3, as far as the runner needs it: numbers, types, and what it reads. No schemas here: they
// would take 130 ms of its start, which is the way back of a baseline that is not kept loaded. The agent's side, which
// believes no runner, is runner-protocol.ts.
import { describeProblems, type Parsed } from '../../shared/basics/parsing.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { encodeBinary, encodeJson, type Message } from '../frames/framing.ts';

export const PROTOCOL = 1;

/** Frames a runner may hold: one running, one queued. */
export const FRAMES_OUTSTANDING_MAX = 2;

/** What our runner says; a foreign one may have codes of its own. */
export type FaultCode =
  | 'bad-hello'
  | 'wrong-digest'
  | 'contract-mismatch'
  | 'provider-unavailable'
  | 'load-failed'
  | 'read-failed'
  | 'run-failed'
  | 'out-of-memory'
  | 'too-many-frames';

export type RunnerRole = 'baseline' | 'candidate' | 'shadow';

export type RunnerHello = {
  readonly type: 'hello';
  readonly protocol: typeof PROTOCOL;
  /** Checked by the agent; the runner need not trust any other copy of it. */
  readonly manifest: Manifest;
  /** Folder that holds the files of the manifest, by their `path`. */
  readonly packageDir: string;
  readonly ring: {
    readonly path: string;
    readonly slots: number;
    /** One byte per value, in the layout of the input contract; slot n begins at n × frameBytes. */
    readonly frameBytes: number;
  };
  /** 1 to 64. */
  readonly threads: number;
  /** What it is opened as; the agent sets its priority and how readily the kernel may take it. */
  readonly role: RunnerRole;
  /** Nobody answers until it does: it says ready without a warm-up. */
  readonly urgent?: boolean;
  /** Tell the pixels of every answer too (segmentation): it is scored by them. */
  readonly mask?: boolean;
};

export type FrameOrder = { readonly type: 'frame'; readonly slot: number; readonly seq: number };
export type ToRunner = RunnerHello | FrameOrder | { readonly type: 'drain' };

/** Characters of a fault's detail. */
export const FAULT_DETAIL_MAX = 2000;

const FRAME_BYTES = 8;

/** A frame's number as it goes over the wire: 32 bits, so it begins again after four years at 30 frames a second. */
export function wireSeq(seq: number): number {
  return seq % 2 ** 32;
}

/** What the agent writes. */
export function encodeToRunner(message: ToRunner): Uint8Array {
  if (message.type !== 'frame') return encodeJson(message);
  const body = new DataView(new ArrayBuffer(FRAME_BYTES));
  body.setUint32(0, message.slot, true);
  body.setUint32(4, message.seq, true);
  return encodeBinary(new Uint8Array(body.buffer));
}

/** What the runner reads. The manifest is taken as it is: the agent has checked it. */
export function decodeToRunner(message: Message): Parsed<ToRunner> {
  if (message.kind === 'json') return readJson(message.value);
  if (message.bytes.byteLength !== FRAME_BYTES)
    return refused('', `a frame order has ${FRAME_BYTES} bytes, not ${message.bytes.byteLength}`);
  const body = new DataView(message.bytes.buffer, message.bytes.byteOffset, FRAME_BYTES);
  return { ok: true, value: { type: 'frame', slot: body.getUint32(0, true), seq: body.getUint32(4, true) } };
}

/** Problems of a refused message, short enough for a log line. */
export function describeRefusal(parsed: Extract<Parsed<unknown>, { ok: false }>): string {
  return describeProblems(parsed.problems.slice(0, 3)).slice(0, 500);
}

export function refused(path: string, message: string): Extract<Parsed<never>, { ok: false }> {
  return { ok: false, problems: [{ path, message }] };
}

type Fields = Readonly<Record<string, unknown>>;

function readJson(value: Fields): Parsed<ToRunner> {
  if (value.type === 'drain') return { ok: true, value: { type: 'drain' } };
  if (value.type !== 'hello') return refused('type', 'is neither "hello" nor "drain"');
  if (value.protocol !== PROTOCOL) return refused('protocol', `is not ${PROTOCOL}, which this runner speaks`);
  const wrong = wrongField(value);
  return wrong === null ? { ok: true, value: value as RunnerHello } : refused(...wrong);
}

/** Path and reason of the first field that a runner could not work with. */
function wrongField(hello: Fields): [string, string] | null {
  const ring = isObject(hello.ring) ? hello.ring : {};
  const checks: readonly (readonly [path: string, isRight: boolean, should: string])[] = [
    ['manifest', isObject(hello.manifest), 'must be an object'],
    ['packageDir', isText(hello.packageDir), 'must name a folder'],
    ['ring.path', isText(ring.path), 'must name a file'],
    ['ring.slots', isCount(ring.slots, Number.MAX_SAFE_INTEGER), 'must be a whole number from 1'],
    ['ring.frameBytes', isCount(ring.frameBytes, Number.MAX_SAFE_INTEGER), 'must be a whole number from 1'],
    ['threads', isCount(hello.threads, THREADS_MAX), `must be a whole number from 1 to ${THREADS_MAX}`],
  ];
  const found = checks.find(([, isRight]) => !isRight);
  return found === undefined ? null : [found[0], found[2]];
}

const THREADS_MAX = 64;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max;
}
