// The rules of the runner protocol, in the order of agent/inference/PROTOCOL.md. Each one talks to a runner of its own and
// throws RuleBroken when what it sees is not what the document promises.
import { isDeepStrictEqual } from 'node:util';
import { frameRules } from './rules-frames.ts';
import { loadRules } from './rules-load.ts';
import { describeState, END_MS, type Rule, RuleBroken, resultsOf } from './subject.ts';

const endRules: readonly Rule[] = [
  {
    id: 'drain-idle',
    says: 'a runner without frames ends with code 0 when it is drained',
    check: async (subject) => {
      const session = await subject.openReady();
      session.drain();
      await session.await(() => session.ended !== null, END_MS);
      if (session.ended?.code !== 0) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'drain-busy',
    says: 'a drained runner answers what it holds, then ends with code 0',
    check: async (subject) => {
      const session = await subject.openReady();
      session.frame(0, 1);
      session.frame(1, 2);
      session.drain();
      await session.await(() => session.ended !== null, subject.coldMs);
      const seqs = resultsOf(session).map((result) => result.seq);
      if (!isDeepStrictEqual(seqs, [1, 2]) || session.ended?.code !== 0) throw new RuleBroken(describeState(session));
    },
  },
  {
    id: 'end-of-stream',
    says: 'when its stream ends the runner ends, idle or with frames in its hands',
    check: async (subject) => {
      for (const frames of [0, 2]) {
        const session = await subject.openReady();
        for (let seq = 1; seq <= frames; seq += 1) session.frame(seq, seq);
        session.endStream();
        await session.await(() => session.ended !== null, END_MS);
        if (session.ended === null) throw new RuleBroken(describeState(session));
      }
    },
  },
];

export const rules: readonly Rule[] = [...loadRules, ...frameRules, ...endRules];
