// Each fault fixture does to ONNX Runtime what its name says; the deadly ones in a process of their own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModelSession } from '../../../scripts/models/evaluation/model-session.ts';
import {
  answeringNaN,
  bitsFlipped,
  crashing,
  FAULTS,
  hanging,
  hoarding,
  slowed,
  truncated,
  wronglyShaped,
} from '../../../scripts/models/faults.ts';
import { RELEASES_DIR } from '../../../scripts/models/release-store.ts';
import { readOnnxFile } from '../../../shared/release/onnx-file.ts';

const good = readFileSync(`${RELEASES_DIR}/cv-detector/2.0.0/model.onnx`);
const input = { name: 'image_u8', shape: [1, 256, 256, 3] };
const picture = new Uint8Array(256 * 256 * 3).map((_, i) => (i * 7919) % 251);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-faults-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Answered = { readonly data: Float32Array; readonly runMs: number };

async function answers(model: Uint8Array, runs = 1): Promise<Answered> {
  const session = await openModelSession(model, input);
  try {
    let best: Answered = { data: new Float32Array(0), runMs: Number.POSITIVE_INFINITY };
    for (let i = 0; i < runs; i++) {
      const { output, runMs } = await session.run(picture);
      best = { data: output.data as Float32Array, runMs: Math.min(best.runMs, runMs) };
    }
    return best;
  } finally {
    await session.close();
  }
}

type Ending = { readonly signal: NodeJS.Signals | null; readonly lines: string; readonly rssMb: number };

/** Loads and runs a model once in a child; after `deadlineMs` without an end, kills it. */
function runApart(model: Uint8Array, deadlineMs: number): Promise<Ending> {
  const path = join(folder, `${Math.abs(model.length)}-${deadlineMs}.onnx`);
  writeFileSync(path, model);
  const session = fileURLToPath(new URL('../../../scripts/models/evaluation/model-session.ts', import.meta.url));
  const program = `
    import { readFileSync } from 'node:fs';
    import { openModelSession } from ${JSON.stringify(session)};
    const session = await openModelSession(readFileSync(${JSON.stringify(path)}), ${JSON.stringify(input)});
    console.log('loaded');
    await session.run(new Uint8Array(${picture.length}));
    console.log('answered ' + Math.round(process.resourceUsage().maxRSS / 1024));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((resolve) => {
    let lines = '';
    let deadline: NodeJS.Timeout | undefined;
    child.stdout.on('data', (text: Buffer) => {
      lines += text.toString();
      /** The deadline counts from the moment the model is loaded: only the run is under test. */
      if (lines.startsWith('loaded')) deadline ??= setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    });
    child.on('close', (_code, signal) => {
      clearTimeout(deadline);
      resolve({ signal, lines, rssMb: Number(/answered (\d+)/.exec(lines)?.[1] ?? 0) });
    });
  });
}

describe('faults', () => {
  it('hang: loads, never answers, ends only by a kill', async () => {
    const ending = await runApart(hanging(good), 1000);
    expect(ending).toMatchObject({ signal: 'SIGKILL', lines: 'loaded\n' });
  });

  it('crash: loads, then takes its process along', async () => {
    const ending = await runApart(crashing(good), 15_000);
    expect(ending).toMatchObject({ signal: 'SIGFPE', lines: 'loaded\n' });
  });

  it('memory hog: answers, at the price asked for', async () => {
    const [plain, hog] = [await runApart(good, 14_000), await runApart(hoarding(good, 300), 15_000)];
    expect(hog.rssMb - plain.rssMb).toBeGreaterThan(250);
    expect(hog.rssMb - plain.rssMb).toBeLessThan(400);
  });

  it('not a number: loads and runs without an error, and every answer is NaN', async () => {
    const { data } = await answers(answeringNaN(good));
    expect(data.every(Number.isNaN)).toBe(true);
  });

  it('slow: the same answers, several times later', async () => {
    const [plain, slow] = [await answers(good, 5), await answers(slowed(good, 6), 5)];
    expect(slow.data).toEqual(plain.data);
    expect(slow.runMs / plain.runMs).toBeGreaterThan(3);
  });

  it('wrong shape: loads, declares another contract, refuses the frame', async () => {
    const model = wronglyShaped(good);
    expect(readOnnxFile(model).graph.inputs[0]?.shape).toEqual([1, 256, 288, 3]);
    await expect(answers(model)).rejects.toThrow('invalid dimensions');
  });

  it('truncated: does not load, and the reader names it', async () => {
    const model = truncated(good, 0.5);
    await expect(answers(model)).rejects.toThrow('protobuf');
    expect(() => readOnnxFile(model)).toThrow('runs past the end');
  });

  it('bits flipped: loads and runs silently on damaged weights', async () => {
    const [plain, damaged] = [await answers(good), await answers(bitsFlipped(good, 50, 1))];
    expect(damaged.data).not.toEqual(plain.data);
    expect(bitsFlipped(good, 50, 1)).toEqual(bitsFlipped(good, 50, 1));
    expect(bitsFlipped(good, 50, 1).length).toBe(good.length);
  });

  it('are all in the list by name', () => {
    for (const make of Object.values(FAULTS)) expect(Buffer.from(make(good)).equals(good)).toBe(false);
  });
});
