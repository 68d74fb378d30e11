// What is under test, and how to talk to it in a rule: a runner's command, a release, pictures whose answers are known.
// Each conversation has a ring and a process of its own; all are ended with the subject.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { frameBytesOf } from '../../agent/frames/input-contract.ts';
import { type PackageOnDisk, writeProbeRelease } from '../../agent/inference/probe-release.ts';
import type { FromRunner, RunnerFault, RunnerResult } from '../../agent/inference/runner-protocol.ts';
import type { FaultCode } from '../../agent/inference/runner-wire.ts';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import type { Answer } from '../../shared/release/answers.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { RunnerSession } from './runner-session.ts';

/** Colours of the pictures, as shares of full brightness: no two alike, no channel like another. */
const COLOURS: readonly (readonly [number, number, number])[] = [
  [0.2, 0.4, 0.6],
  [0.9, 0.1, 0.5],
  [0, 0.3, 1],
  [0.7, 0.8, 0],
];

/** How long an answer to a frame may take, and an end. */
export const ANSWER_MS = 20_000;
export const END_MS = 5000;
const PROBLEMS_TOLD_MAX = 3;

export type Subject = {
  readonly manifest: Manifest;
  readonly packageDir: string;
  readonly coldMs: number;
  /** A folder for a rule's own files. */
  folder(): string;
  /** What the built-in model says of the picture in a slot; null for a release of somebody else. */
  expected(slot: number): Answer | null;
  open(change?: { manifest?: Manifest; packageDir?: string }): RunnerSession;
  /** Opens, says hello, and waits until it is ready. Throws RuleBroken when it does not become so. */
  openReady(change?: { manifest?: Manifest; hello?: Readonly<Record<string, unknown>> }): Promise<RunnerSession>;
  close(): Promise<void>;
};

export type Rule = {
  /** Names it in the output. */
  readonly id: string;
  readonly says: string;
  /** Throws RuleBroken when it does not hold. */
  readonly check: (subject: Subject) => Promise<void>;
};

/** A rule does not hold; the message says what was seen instead. */
export class RuleBroken extends Error {
  override name = 'RuleBroken';
}

export function openSubject(command: readonly string[], releaseDir: string | null): Subject {
  const root = mkdtempSync(path.join(tmpdir(), 'belay-conformance-'));
  const release = releaseDir === null ? writeProbeRelease(path.join(root, 'release')) : readPackage(releaseDir);
  const { manifest, packageDir } = release;
  const pictures = COLOURS.map((colour) => pictureOf(manifest, colour));
  const sessions: RunnerSession[] = [];
  const folder = (): string => mkdtempSync(path.join(root, 'session-'));
  const open: Subject['open'] = (change = {}) => {
    const session = new RunnerSession({ command, manifest, packageDir, folder: folder(), pictures, ...change });
    sessions.push(session);
    return session;
  };
  const { coldMs } = manifest.limits;
  return {
    manifest,
    packageDir,
    coldMs,
    folder,
    expected: (slot) => (releaseDir === null ? answerTo(slot) : null),
    open,
    openReady: async ({ manifest: other = manifest, hello = {} } = {}) => {
      const session = open({ manifest: other });
      session.hello(hello);
      if (await session.await(() => session.said.length > 0, coldMs)) {
        const [first] = session.said;
        if (first?.type === 'ready') return session;
      }
      throw new RuleBroken(`it did not become ready: ${describeState(session)}`);
    },
    close: async () => {
      await Promise.all(sessions.map((session) => session.close()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Mean of each colour, best first, as shares with four digits. */
function answerTo(slot: number): Answer {
  const colour = COLOURS[slot] ?? [0, 0, 0];
  const classes = ['red', 'green', 'blue'].map((label, classId) => ({
    classId,
    label,
    score: Math.round((Math.round((colour[classId] ?? 0) * 255) / 255) * 1e4) / 1e4,
  }));
  return { task: 'classification', classes: classes.sort((a, b) => b.score - a.score || a.classId - b.classId) };
}

/** One flat colour, in the layout of the contract. */
function pictureOf({ input }: Manifest, colour: readonly number[]): Uint8Array {
  const picture = new Uint8Array(frameBytesOf(input));
  const channels = input.color === 'gray' ? 1 : 3;
  const plane = picture.length / channels;
  for (let i = 0; i < picture.length; i += 1) {
    const channel = input.layout === 'NHWC' ? i % channels : Math.floor(i / plane);
    picture[i] = Math.round((colour[input.color === 'bgr' ? 2 - channel : channel] ?? 0) * 255);
  }
  return picture;
}

function readPackage(folder: string): PackageOnDisk {
  const file = path.join(folder, 'manifest.json');
  const unusable = (why: string): Error =>
    new Error(`reading ${file}: ${why}; name a package folder with --release, or leave it out`);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw unusable(describeError(error));
  }
  const parsed = parseJson(manifestSchema, bytes);
  if (!parsed.ok) throw unusable(describeProblems(parsed.problems.slice(0, PROBLEMS_TOLD_MAX)));
  return { manifest: parsed.value, packageDir: path.resolve(folder) };
}

export function resultsOf(session: RunnerSession): readonly RunnerResult[] {
  return session.said.filter((one): one is RunnerResult => one.type === 'result');
}

export function faultsOf(session: RunnerSession): readonly RunnerFault[] {
  return session.said.filter((one): one is RunnerFault => one.type === 'fault');
}

/** For the message of a broken rule. */
export function describeState(session: RunnerSession): string {
  const { ended, violation } = session;
  const parts = [
    `it said ${session.said.map(describeSaid).join(', ') || 'nothing'}`,
    violation === null ? '' : `broke the protocol (${violation})`,
    ended === null ? 'still runs' : `ended (${ended.signal ?? `exit code ${ended.code}`})`,
    ...session.printed.slice(-3).map((line) => `printed "${line}"`),
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function describeSaid(said: FromRunner): string {
  if (said.type === 'result') return `result ${said.seq}`;
  if (said.type === 'ready') return 'ready';
  return `fault ${said.code}${said.seq === undefined ? '' : ` of frame ${said.seq}`} (${said.detail.slice(0, 200)})`;
}

/** Says hello with what must not load, and expects the fault of the runner and then its end. */
export async function expectRefusal(
  session: RunnerSession,
  codes: readonly FaultCode[],
  deadlineMs: number,
): Promise<void> {
  await session.await(() => session.said.length > 0, deadlineMs);
  const [first] = session.said;
  if (first?.type !== 'fault' || first.seq !== undefined)
    throw new RuleBroken(`a fault of the runner was due: ${describeState(session)}`);
  if (!codes.some((code) => code === first.code))
    throw new RuleBroken(`the code ${codes.join(' or ')} was due: ${describeState(session)}`);
  await session.await(() => session.ended !== null, END_MS);
  if (session.ended === null) throw new RuleBroken(`it goes on after its fault: ${describeState(session)}`);
}
