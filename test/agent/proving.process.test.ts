// The golden run of real segmenters on their own pictures: scored by pixels, in a form that the control plane's judge reads.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openLauncher } from '../../agent/inference/inference.ts';
import { proveRelease } from '../../agent/proving.ts';
import { goldenClasses } from '../../control-plane/core/golden-evidence.ts';
import { goldenInterval } from '../../control-plane/core/uncertainty.ts';
import { assemblePackage } from '../../scripts/fleet/package-folder.ts';
import { readRelease } from '../../scripts/models/release-store.ts';
import { parseExpression } from '../../shared/rollout/expression.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';

const dir = mkdtempSync(join(tmpdir(), 'belay-proving-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function scoresOf(folder: string) {
  const packageDir = await assemblePackage(folder, join(dir, folder));
  const { manifest } = readRelease(folder);
  const digest = manifest.files[0]!.sha256;
  const log = openRecordingLog();
  const result = await proveRelease(
    { ref: { release: `seg:${manifest.version}`, digest }, manifest, packageDir },
    {
      launcher: openLauncher({ dataDir: join(dir, 'data'), runner: { env: {} }, memoryLimit: false, log }),
      device: 'cam-1',
      ringDir: '/dev/shm',
      role: 'candidate',
      threads: 1,
      signal: AbortSignal.timeout(120_000),
      log,
      monotonicNow: () => performance.now(),
      wallNow: () => 0,
      prewarm: { warmupFrames: null, coldStartProbes: 1 },
    },
  );
  if (result.kind !== 'proof') throw new Error(JSON.stringify(result));
  expect(result.record).toMatchObject({ passed: true, frames: 56 });
  return result.record.scores;
}

it('scores each class of a segmenter by its pixels, and stricter thresholds cost a crack some of them', async () => {
  const baseline = await scoresOf('seg/1.4.3');
  const candidate = await scoresOf('seg/1.4.4');
  const cracks = (scores: typeof baseline) => scores.find((one) => one.class === 'micro-crack' && one.size === 'all');
  expect(cracks(baseline)?.pixels?.groups.length).toBe(56);
  expect(cracks(baseline)?.pixels?.set).toBe(cracks(candidate)?.pixels?.set);

  const expression = parseExpression('golden.iou(class=micro-crack) >= baseline - 1 pt');
  if (!expression.ok) throw new Error(expression.problem.message);
  const device = { device: 'cam-1', hardwareClass: 'x86', isCandidate: true, candidate, baseline };
  const [found] = goldenClasses(expression.value, [device]);
  // Thin cracks: far below what their boxes overlap, and above nothing.
  expect(found?.baseline?.share).toBeGreaterThan(0.3);
  expect(found?.baseline?.share).toBeLessThan(0.8);
  const interval = goldenInterval(found!.candidate!, found!.baseline, 1);
  expect(interval.spread).toBe('between pictures');
  expect(interval.estimate).toBeLessThan(0);
  expect(interval.standardError).toBeGreaterThan(0);
  expect(interval.standardError).toBeLessThan(0.1);
}, 120_000);
