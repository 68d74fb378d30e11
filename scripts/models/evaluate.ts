// Process entry: `evaluate.ts [--dir <releases>] [--cache <dir>]` measures all releases on the held-out set and prints
// what the demo relies on: quality, latency against the baseline, and paired evidence between versions.
import { parseArgs } from 'node:util';
import type { MetricValue } from '../../shared/release/manifest.ts';
import { CATALOGUE } from './catalogue.ts';
import { HELD_OUT_NOTE, readHeldOut } from './evaluation/held-out.ts';
import { type Judgement, judgeRelease } from './evaluation/judge.ts';
import { pairReleases } from './evaluation/paired-evidence.ts';
import { MODEL_PATH, RELEASES_DIR, readRelease, readReleaseFile } from './release-store.ts';

const { values } = parseArgs({
  options: { dir: { type: 'string', default: RELEASES_DIR }, cache: { type: 'string', default: '.cache/models/data' } },
});

/** Baseline and candidate folders whose shadow comparison matters. */
const PAIRS = [
  ['cv-detector/1.8.2', 'cv-detector/2.0.0'],
  ['cv-detector/2.0.0', 'cv-detector/2.1.0'],
  ['cv-detector/2.0.0', 'cv-detector/2.2.0'],
  ['cv-detector/2.0.0', 'cv-detector/2.3.0'],
  ['cv-detector/2.0.0', 'cv-detector/2.4.0'],
  ['cv-detector/2.0.0', 'cv-detector/2.0.1-mislabelled'],
] as const;

const judged = new Map<string, Judgement>();
for (const { folder } of CATALOGUE) {
  const { manifest } = readRelease(folder, values.dir);
  const samples = readHeldOut(manifest.task, values.cache);
  const judgement = await judgeRelease(manifest, readReleaseFile(folder, MODEL_PATH, values.dir), samples);
  judged.set(folder, judgement);
  print(`${folder}  ${judgement.runMsP50.toFixed(1)} ms\n    ${judgement.metrics.map(describeMetric).join('  ')}`);
}
print('');
for (const [baseline, candidate] of PAIRS) {
  const [before, after] = [judged.get(baseline), judged.get(candidate)];
  if (before === undefined || after === undefined) continue;
  const evidence = pairReleases(before.findings, after.findings);
  const share = (one: { share: number; count: number }) => `${(one.share * 100).toFixed(1)} % of ${one.count}`;
  print(
    `${baseline} → ${candidate}: lost ${share(evidence.lost)}, micro-cracks ${share(evidence.lostMicroCracks)}, ` +
      `gained ${share(evidence.gained)}, other class ${share(evidence.otherClass)}, ` +
      `findings ×${evidence.findingsRatio.toFixed(2)}, border share ${(evidence.borderShareRise * 100).toFixed(1)} points, ` +
      `time ×${(after.runMsP50 / before.runMsP50).toFixed(2)}`,
  );
}
print(HELD_OUT_NOTE);

function describeMetric(one: MetricValue): string {
  return `${[one.size, one.class, one.metric].filter((part) => part !== undefined).join(' ')} ${one.value} (n=${one.count})`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
