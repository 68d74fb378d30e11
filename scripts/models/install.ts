// Process entry: `install.ts <trainedDir> <outDir> [cacheDir]` assembles every release whose training is there.
// Used by `train.ts --install`; by hand after a partial training.
import { join } from 'node:path';
import type { MetricValue } from '../../shared/release/manifest.ts';
import { assembleReleases } from './assemble.ts';
import { codeCommit } from './release-store.ts';

const [trainedDir = '.cache/models', outDir = join(trainedDir, 'releases'), cacheDir = join(trainedDir, 'data')] =
  process.argv.slice(2);

const onRelease = (folder: string, metrics: readonly MetricValue[], runMsP50: number) => {
  const shown = metrics.filter((metric) => metric.class === undefined || metric.size !== undefined);
  const values = shown.map((metric) => `${metric.size ? 'small-crack ' : ''}${metric.metric} ${metric.value}`);
  process.stdout.write(`${folder}: ${values.join(', ')}, ${runMsP50.toFixed(1)} ms\n`);
};

await assembleReleases({ trainedDir, outDir, cacheDir, codeCommit: codeCommit(), onRelease });
