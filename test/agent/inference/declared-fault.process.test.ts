// The release of a drill in a real runner: slow, dead after some frames, blind in its proof; over by itself, and never a baseline.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFaultFor } from '../../../agent/inference/inference.ts';
import type { DeclaredFault } from '../../../shared/release/drill.ts';
import { type Bench, openBench, until } from './runner-bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

function releaseOf(fault: Partial<DeclaredFault>, createdAtMs = Date.now()) {
  const release = bench.release();
  const { manifest } = release;
  const drill = { failure: 'slow' as const, of: 'tiny:1.0.0+data=test0', forMs: 60_000, ...fault };
  return { ...release, manifest: { ...manifest, drill, provenance: { ...manifest.provenance, createdAtMs } } };
}

async function answerFrames(fault: Partial<DeclaredFault>, frames: number) {
  const release = releaseOf(fault);
  const runner = await bench.open(release, bench.ring(release, [204, 204]));
  for (let seq = 1; seq <= frames && bench.exits.length === 0; seq += 1) {
    runner.submit({ seq, slot: 0 });
    await until('an answer or the end', () => bench.answers.length >= seq || bench.exits.length > 0);
  }
}

describe('the release of a drill', () => {
  it('slow: answers what the model answers, later', async () => {
    await answerFrames({ failure: 'slow' }, 2);
    expect(bench.answers[0]).toMatchObject({
      finite: true,
      answer: { detections: [{ label: 'scratch', score: 0.8 }] },
    });
    for (const { runMs } of bench.answers) expect(runMs).toBeGreaterThanOrEqual(60);
  });

  it('crash: answers ten frames and dies as a model would', async () => {
    await answerFrames({ failure: 'crash' }, 30);
    expect(bench.answers.length).toBe(10);
    expect(bench.exits).toMatchObject([{ how: 'crash', reason: expect.stringContaining('SIGSEGV') }]);
  });

  it('bad-golden: sees nothing in the proof, and everything on the line', async () => {
    await answerFrames({ failure: 'bad-golden' }, 1);
    expect(bench.answers[0]?.answer).toEqual({ task: 'detection', detections: [] });
    const { manifest } = releaseOf({ failure: 'bad-golden' });
    expect(withFaultFor('live', manifest).drill).toBeUndefined();
    expect(withFaultFor('proof', manifest).drill?.failure).toBe('bad-golden');
    const slow = releaseOf({ failure: 'slow' }).manifest;
    expect([withFaultFor('live', slow).drill?.failure, withFaultFor('proof', slow).drill]).toEqual(['slow', undefined]);
  });

  it('ends by itself when its time is over', async () => {
    await answerFrames({ failure: 'slow', forMs: 300 }, 20);
    expect(bench.exits.length).toBe(1);
    expect(bench.answers.length).toBeLessThan(20);
  });

  it('is refused as a baseline, and when its drill is long over', async () => {
    const release = releaseOf({});
    const ring = bench.ring(release, [204, 204]);
    await expect(bench.open(release, ring, { role: 'baseline' })).rejects.toThrow(/never a baseline/);
    const old = releaseOf({}, Date.now() - 2 * 86_400_000);
    await expect(bench.open(old, ring)).rejects.toThrow(/long over/);
  });
});
