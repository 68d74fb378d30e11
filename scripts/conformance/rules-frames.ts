// Rules of the frames: one answer each, in order, of the very pixels in the slot, and none that harms the next.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Answer } from '../../shared/release/answers.ts';
import { encodeFrame, type RunnerSession, ringAccess } from './runner-session.ts';
import { ANSWER_MS, describeState, faultsOf, type Rule, RuleBroken, resultsOf, type Subject } from './subject.ts';

/** Beyond any ring. */
const NO_SLOT = 60_000;
const SEQ_MAX = 2 ** 32 - 1;
const ROUNDS = 50;
/** The last digit of a share with four. */
const SCORE_TOLERANCE = 2e-4;

export const frameRules: readonly Rule[] = [
  {
    id: 'answers',
    says: 'every frame gets one result with its own seq, in order, with two of them held at a time',
    check: async (subject) => {
      const session = await subject.openReady();
      const seqs = Array.from({ length: ROUNDS }, (_, i) => i + 1);
      for (const seq of seqs) {
        await answered(session, seq - 2);
        session.frame(seq % session.ring.slots, seq);
      }
      await answered(session, ROUNDS);
      const seen = resultsOf(session).map((result) => result.seq);
      if (!isDeepStrictEqual(seen, seqs)) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'pixels',
    says: 'the answer is that of the picture in the slot that was named, at the time when it was named',
    check: async (subject) => {
      const session = await subject.openReady();
      for (const [i, slot] of [2, 0, 3, 1, 2].entries()) {
        session.frame(slot, i + 1);
        await answered(session, i + 1);
        checkAnswer(subject, slot, resultsOf(session)[i]?.answer ?? null);
      }
      const [first, , , , again] = resultsOf(session);
      if (!isDeepStrictEqual(first?.answer, again?.answer))
        throw new RuleBroken(`one picture, two answers: ${JSON.stringify([first?.answer, again?.answer])}`);
    },
  },
  {
    id: 'task',
    says: 'a finite result has an answer of the task of the release',
    check: async (subject) => {
      const session = await subject.openReady();
      session.frame(0, 1);
      await answered(session, 1);
      const [result] = resultsOf(session);
      if (result?.finite === true && result.answer?.task === subject.manifest.task) return;
      throw new RuleBroken(`finite ${result?.finite}, answer ${JSON.stringify(result?.answer)}`);
    },
  },
  {
    id: 'times',
    says: 'readMs, runMs and postMs are parts of the time that the answer took',
    check: async (subject) => {
      const session = await subject.openReady();
      const startedAtMs = performance.now();
      session.frame(0, 1);
      await answered(session, 1);
      const tookMs = performance.now() - startedAtMs;
      const [result] = resultsOf(session);
      const sumMs = (result?.readMs ?? 0) + (result?.runMs ?? 0) + (result?.postMs ?? 0);
      if (sumMs <= 0 || sumMs > tookMs) throw new RuleBroken(`they sum up to ${sumMs} ms of ${tookMs} ms`);
    },
  },
  {
    id: 'seq-range',
    says: 'seq is an unsigned number of 32 bits, from 0 to 4294967295',
    check: async (subject) => {
      const session = await subject.openReady();
      for (const [i, seq] of [SEQ_MAX, 0].entries()) {
        session.frame(i, seq);
        await answered(session, i + 1);
      }
      const seen = resultsOf(session).map((result) => result.seq);
      if (!isDeepStrictEqual(seen, [SEQ_MAX, 0])) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'framing',
    says: 'messages are found in the stream whatever its pieces: byte by byte, or two in one',
    check: async (subject) => {
      const session = await subject.openReady();
      for (const byte of encodeFrame(1, 1)) {
        session.sendBytes(Uint8Array.of(byte));
        await wait(1);
      }
      await answered(session, 1);
      session.sendBytes(Buffer.concat([encodeFrame(2, 2), encodeFrame(3, 3)]));
      await answered(session, 3);
      const seqs = resultsOf(session).map((result) => result.seq);
      if (!isDeepStrictEqual(seqs, [1, 2, 3])) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'bad-slot',
    says: 'a slot that is not there costs that frame alone: a fault with its seq, and the next one is answered',
    check: async (subject) => {
      const session = await subject.openReady();
      session.frame(NO_SLOT, 1);
      await session.await(() => session.said.length > 1, ANSWER_MS);
      if (faultsOf(session)[0]?.seq !== 1) throw new RuleBroken(describeState(session));
      session.frame(0, 2);
      await answered(session, 1);
      checkAnswer(subject, 0, resultsOf(session)[0]?.answer ?? null);
    },
  },
  {
    id: 'ring-untouched',
    says: 'the ring is opened for reading only, and is as it was after the frames',
    check: async (subject) => {
      const session = await subject.openReady();
      const before = digestOf(session);
      session.frame(0, 1);
      await answered(session, 1);
      if (ringAccess(session).includes('write')) throw new RuleBroken('it holds the ring open for writing');
      if (digestOf(session) !== before) throw new RuleBroken('the ring has changed');
    },
  },
];

async function answered(session: RunnerSession, count: number): Promise<void> {
  if (count <= 0) return;
  if (await session.await(() => resultsOf(session).length >= count, ANSWER_MS)) return;
  throw new RuleBroken(`${count} results were due: ${describeState(session)}`);
}

/** Only of the built-in release is it known what its answer must be. */
function checkAnswer(subject: Subject, slot: number, answer: Answer | null): void {
  const expected = subject.expected(slot);
  if (expected === null) return;
  if (expected.task === 'classification' && answer?.task === 'classification') {
    const isSame = (i: number): boolean => {
      const [due, seen] = [expected.classes[i], answer.classes[i]];
      if (due === undefined || seen === undefined) return false;
      return (
        due.classId === seen.classId && due.label === seen.label && Math.abs(due.score - seen.score) < SCORE_TOLERANCE
      );
    };
    if (answer.classes.length === expected.classes.length && expected.classes.every((_, i) => isSame(i))) return;
  }
  throw new RuleBroken(`slot ${slot}: ${JSON.stringify(expected)} was due, it says ${JSON.stringify(answer)}`);
}

function digestOf(session: RunnerSession): string {
  return createHash('sha256').update(readFileSync(session.ring.path)).digest('hex');
}
