// Real runner processes with real ONNX sessions: answers, the ways a release refuses to load, and the ways one dies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, isRunning, openBench, until } from './runner-bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

/** A runner command that runs `script` with Node instead of speaking the protocol. */
function script(text: string): readonly string[] {
  const path = join(bench.dir, 'script.mjs');
  writeFileSync(path, text);
  return [process.execPath, path];
}

describe('a runner that is well', () => {
  it('answers each token from its own slot, in order, and says what it runs on', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, [51, 204]));
    expect(runner.ready).toMatchObject({ protocol: 1, provider: { asked: 'cpu', used: 'cpu' } });
    expect(runner.ready.rssBytes).toBeGreaterThan(10_000_000);
    expect(runner.submit({ seq: 7, slot: 1 })).toBe(true);
    expect(runner.submit({ seq: 8, slot: 0 })).toBe(true);
    await until('two answers', () => bench.answers.length === 2);
    const [bright, dark] = bench.answers;
    expect(bright).toMatchObject({ token: { seq: 7, slot: 1 }, finite: true, borderline: 0 });
    expect(bright!.answer).toEqual({
      task: 'detection',
      detections: [{ classId: 0, label: 'scratch', score: 0.8, box: [10, 20, 40, 20] }],
    });
    expect(dark).toMatchObject({ token: { seq: 8 }, borderline: 1, answer: { detections: [] } });
    expect(runner.outstanding()).toEqual([]);
  });

  it('feeds and reads half floats', async () => {
    const change = (manifest: Record<string, unknown>) => {
      Object.assign(manifest.input as object, { dtype: 'float16' });
      Object.assign((manifest.outputs as object[])[0]!, { dtype: 'float16' });
    };
    const release = bench.release({ variant: 'half', change });
    const runner = await bench.open(release, bench.ring(release, [204, 51]));
    runner.submit({ seq: 1, slot: 0 });
    await until('the answer', () => bench.answers.length === 1);
    const { detections } = bench.answers[0]!.answer as { detections: { score: number; box: number[] }[] };
    expect(detections[0]!.score).toBeCloseTo(0.8, 3);
    expect(detections[0]!.box).toEqual([10, 20, 40, 20]);
  });

  it('takes two frames and refuses the third until one is answered', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, [10, 20]));
    const taken = [1, 2, 3].map((seq) => runner.submit({ seq, slot: 0 }));
    expect(taken).toEqual([true, true, false]);
    expect(runner.outstanding().map((token) => token.seq)).toEqual([1, 2]);
    await until('both answers', () => runner.outstanding().length === 0);
    expect(runner.submit({ seq: 3, slot: 0 })).toBe(true);
  });

  it('that is needed at once is not warmed up: its first frame does that', async () => {
    const release = bench.release();
    const calm = await bench.open(release, bench.ring(release, [204]));
    const urgent = await bench.open(release, bench.ring(release, [204]), { urgent: true });
    expect(calm.ready.warmMs).toBeGreaterThan(0);
    expect(urgent.ready.warmMs).toBe(0);
    urgent.submit({ seq: 1, slot: 0 });
    await until('the answer', () => bench.answers.length === 1);
    expect(bench.answers[0]).toMatchObject({ finite: true, answer: { detections: [{ label: 'scratch' }] } });
  });

  it('answers what it holds before a drain ends it', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, [10, 20]));
    runner.submit({ seq: 1, slot: 0 });
    runner.submit({ seq: 2, slot: 1 });
    await runner.drain(10_000);
    expect(bench.answers.map((answer) => answer.token.seq)).toEqual([1, 2]);
    expect(bench.exits).toMatchObject([{ code: 0, signal: null, outstanding: [] }]);
  });

  it('runs nicer than the agent and offers itself first when memory runs out', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, []), { role: 'shadow' });
    const stat = readFileSync(`/proc/${runner.pid}/stat`, 'utf8');
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe('19');
    expect(readFileSync(`/proc/${runner.pid}/oom_score_adj`, 'utf8').trim()).toBe('900');
  });

  it('writes no core when it crashes: that would keep it, and its frame, for seconds', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, []));
    expect(readFileSync(`/proc/${runner.pid}/limits`, 'utf8')).toMatch(/Max core file size +1 /);
  });

  it('is handed no variable of the agent that it does not need', async () => {
    process.env.BELAY_TEST_SECRET = 'do not pass on';
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, []));
    delete process.env.BELAY_TEST_SECRET;
    expect(readFileSync(`/proc/${runner.pid}/environ`, 'utf8')).not.toContain('BELAY_TEST_SECRET');
  });
});

describe('a release that must not load', () => {
  it('is refused when one bit of the model is flipped', async () => {
    const release = bench.release();
    const bytes = readFileSync(release.modelPath);
    bytes[bytes.length - 300]! ^= 1;
    writeFileSync(release.modelPath, bytes);
    const opening = bench.open(release, bench.ring(release, []));
    await expect(opening).rejects.toMatchObject({ code: 'wrong-digest' });
    await expect(opening).rejects.toThrow(/tiny-detector:1\.0\.0\+data=test0.*SHA-256.*download it again/);
  });

  it('is refused when the model takes another shape than the manifest says, naming both', async () => {
    const change = (manifest: Record<string, unknown>) => {
      (manifest.input as { shape: number[] }).shape = [1, 32, 32, 3];
    };
    const release = bench.release({ change });
    const opening = bench.open(release, bench.ring(release, []));
    await expect(opening).rejects.toMatchObject({ code: 'contract-mismatch' });
    await expect(opening).rejects.toThrow(/manifest says uint8 \[1, 32, 32, 3\], the model has uint8 \[1, 64, 64, 3\]/);
  });

  it('is refused when its labels do not fit its output, before any frame', async () => {
    const change = (manifest: Record<string, unknown>) => {
      manifest.labels = [{ id: 0, name: 'only' }];
    };
    const release = bench.release({ change });
    const opening = bench.open(release, bench.ring(release, []));
    await expect(opening).rejects.toMatchObject({ code: 'contract-mismatch' });
    await expect(opening).rejects.toThrow(/needs \[1, 5, N\] for 1 labels/);
  });

  it('is refused when the ring holds frames of another size', async () => {
    const release = bench.release();
    const ring = { ...bench.ring(release, []), frameBytes: 99 };
    await expect(bench.open(release, ring)).rejects.toThrow(/takes 12288 bytes a frame, the ring holds 99/);
  });

  it('is refused when the file is no model, with the right digest', async () => {
    const release = bench.release();
    writeFileSync(release.modelPath, 'not a model');
    const sha256 = createHash('sha256').update('not a model').digest('hex');
    const files = release.manifest.files.map((file) => (file.role === 'model' ? { ...file, sha256 } : file));
    const opening = bench.open({ ...release, manifest: { ...release.manifest, files } }, bench.ring(release, []));
    await expect(opening).rejects.toMatchObject({ code: 'load-failed' });
  });

  it('never falls back from an accelerator to the CPU unless the release allows it', async () => {
    const asking = (allowCpuFallback: boolean) => (manifest: Record<string, unknown>) => {
      Object.assign(manifest.runtime as object, { providers: ['cuda', 'cpu'], allowCpuFallback });
    };
    const strict = bench.release({ change: asking(false) });
    const ring = bench.ring(strict, []);
    await expect(bench.open(strict, ring)).rejects.toMatchObject({ code: 'provider-unavailable' });
    const lenient = bench.release({ change: asking(true), dir: join(bench.dir, 'lenient') });
    const runner = await bench.open(lenient, ring);
    expect(runner.ready.provider).toEqual({ asked: 'cuda', used: 'cpu' });
  });

  it('is refused memory beyond its limit, and serves within it', async () => {
    const release = bench.release();
    const ring = bench.ring(release, [204]);
    const starved = bench.open(release, ring, { dataBytesMax: 100_000_000 });
    await expect(starved).rejects.toMatchObject({ code: 'out-of-memory' });
    const runner = await bench.open(release, ring, { dataBytesMax: 3_000_000_000 });
    expect(readFileSync(`/proc/${runner.pid}/limits`, 'utf8')).toMatch(/Max data size +3000000000 /);
    runner.submit({ seq: 1, slot: 0 });
    await until('the answer', () => bench.answers.length === 1);
  });

  it('is given up after its cold time when it hangs on load', async () => {
    const release = bench.release({ variant: 'hang' });
    const opening = bench.open(release, bench.ring(release, []), { coldMs: 1500 });
    // On a machine that is too busy it counts as starved: processor-wait.process.test.ts tells the two apart.
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^(load-timeout|starved)$/) });
  });

  it('is ended at once when nobody wants it any more while it loads', async () => {
    const release = bench.release({ variant: 'hang' });
    const abort = new AbortController();
    const opening = bench.open(release, bench.ring(release, []), { signal: abort.signal });
    const startedAt = performance.now();
    abort.abort();
    await expect(opening).rejects.toMatchObject({ code: 'cancelled' });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('is reported as crashed when its process ends before it is ready', async () => {
    const release = bench.release();
    const opening = bench.open(release, bench.ring(release, []), { command: script('process.exit(7)') });
    await expect(opening).rejects.toMatchObject({ code: 'crashed-on-load' });
    await expect(opening).rejects.toThrow(/exit code 7/);
    const missing = bench.open(release, bench.ring(release, []), { command: ['/nowhere/runner'] });
    await expect(missing).rejects.toMatchObject({ code: 'crashed-on-load' });
  });
});

describe('a runner that fails while it serves', () => {
  it('says so when an output is not finite, and gives no answer', async () => {
    const release = bench.release({ variant: 'nan' });
    const runner = await bench.open(release, bench.ring(release, [200]));
    runner.submit({ seq: 1, slot: 0 });
    await until('the answer', () => bench.answers.length === 1);
    expect(bench.answers[0]).toMatchObject({ token: { seq: 1 }, finite: false, answer: null, borderline: 0 });
  });

  it('reports a frame it cannot read and goes on', async () => {
    const release = bench.release();
    const runner = await bench.open(release, bench.ring(release, [200, 200]));
    runner.submit({ seq: 1, slot: 63 });
    runner.submit({ seq: 2, slot: 1 });
    await until('the second answer', () => bench.answers.length === 1);
    expect(bench.faults).toMatchObject([{ token: { seq: 1 }, code: 'read-failed' }]);
  });

  it('says that it cannot read a frame after the answer to the one before it, which it had not finished', async () => {
    const release = bench.release();
    const said: string[] = [];
    const runner = await bench.open(release, bench.ring(release, [200, 200]), {
      onResult: ({ token }) => said.push(`answer ${token.seq}`),
      onFault: ({ token }) => said.push(`fault ${token?.seq}`),
    });
    runner.submit({ seq: 1, slot: 0 });
    runner.submit({ seq: 2, slot: 63 });
    await until('both', () => said.length === 2);
    expect(said).toEqual(['answer 1', 'fault 2']);
  });

  it('hands back the frames it held when it is killed in the middle of one', async () => {
    const release = bench.release({ variant: 'hang-when-bright' });
    const runner = await bench.open(release, bench.ring(release, [255, 10]));
    runner.submit({ seq: 1, slot: 0 });
    runner.submit({ seq: 2, slot: 1 });
    process.kill(runner.pid, 'SIGKILL');
    await until('the exit', () => bench.exits.length === 1);
    expect(bench.exits[0]).toMatchObject({
      signal: 'SIGKILL',
      how: 'oom',
      isConfirmed: true,
      outstanding: [{ seq: 1 }, { seq: 2 }],
    });
    expect(runner.submit({ seq: 3, slot: 0 })).toBe(false);
    expect(bench.answers).toEqual([]);
  });

  it('can be ended in an endless loop, stopped or not, without waiting for it', async () => {
    const release = bench.release({ variant: 'hang-when-bright' });
    const runner = await bench.open(release, bench.ring(release, [255, 10]));
    runner.submit({ seq: 1, slot: 0 });
    runner.stop();
    const startedAt = performance.now();
    await runner.kill();
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(bench.exits).toMatchObject([{ signal: 'SIGKILL', outstanding: [{ seq: 1 }] }]);
    await until('the process to be gone', () => !isRunning(runner.pid));
  });

  it.each([
    ['idle', 'sound' as const],
    ['looping for ever', 'hang-when-bright' as const],
  ])('ends when the agent is gone, even %s', async (_state, variant) => {
    const release = bench.release({ variant });
    const parts = JSON.stringify([release.manifest, release.packageDir, bench.ring(release, [255, 255])]);
    const { stdout } = spawnSync(process.execPath, [writeDoomedAgent(), parts], { encoding: 'utf8' });
    const pid = Number(stdout.trim());
    expect(pid).toBeGreaterThan(0);
    await until('the orphan to be gone', () => !isRunning(pid));
  });
});

/** A program that opens a runner, gives it a frame, says its pid and dies without a word to it. */
function writeDoomedAgent(): string {
  const door = new URL('../../../agent/inference/inference.ts', import.meta.url).href;
  const [, path] = script(`
    import { openRunner } from ${JSON.stringify(door)};
    const [manifest, packageDir, ring] = JSON.parse(process.argv[2]);
    const none = () => {};
    const log = { debug: none, info: none, warn: none, error: none };
    const on = { onResult: none, onFault: none, onExit: none };
    const runner = await openRunner({ manifest, packageDir, ring, role: 'baseline', threads: 1, log, coldMs: 15000, ...on });
    runner.submit({ seq: 1, slot: 0 });
    console.log(runner.pid);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);
  `);
  return path!;
}
