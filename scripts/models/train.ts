// Process entry of `npm run models:train -- [--out <dir>] [--only <release,…>] [--workers <n>] [--resume] [--install]`:
// trains the releases anew from seeds, assembles and measures all, and compares with the committed ones. Tens of minutes
// on two cores. Other kinds of CPU give other bytes, so the comparison is by metrics within tolerance.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { assembleReleases } from './assemble.ts';
import { RECIPES } from './recipes.ts';
import { codeCommit, GOLDEN_FRAMES_PATH, MODEL_PATH, RELEASES_DIR, readRelease } from './release-store.ts';
import { runTasks } from './training/run-tasks.ts';
import { planTasks } from './training/task-graph.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: '.cache/models' },
    only: { type: 'string' },
    workers: { type: 'string', default: String(Math.min(4, availableParallelism())) },
    resume: { type: 'boolean', default: false },
    install: { type: 'boolean', default: false },
  },
});

/** A metric of a fresh training may differ by this from the committed one: another CPU is another rounding. */
const SHARE_TOLERANCE = 0.05;
const outDir = resolve(values.out);
const cacheDir = join(outDir, 'data');
const newReleasesDir = join(outDir, 'releases');
const startedAt = performance.now();

await train();
await assemble();
const isClose = compare();
if (values.install) {
  cpSync(newReleasesDir, RELEASES_DIR, { recursive: true });
  print(`installed into ${RELEASES_DIR}; run models:verify and commit`);
}
process.exitCode = isClose || values.install ? 0 : 1;

async function train(): Promise<void> {
  const only = values.only?.split(',');
  const isThere = (release: string) => existsSync(join(outDir, release, MODEL_PATH));
  const isWanted = (release: string) => (only?.includes(release) ?? true) && !(values.resume && isThere(release));
  const wanted = RECIPES.filter((recipe) => isWanted(recipe.release));
  const done = new Set(RECIPES.filter((recipe) => !wanted.includes(recipe)).map((recipe) => recipe.release));
  await runTasks(planTasks(wanted, { outDir, cacheDir }), {
    workers: Math.max(1, Number(values.workers)),
    done,
    onProgress: ({ release, step, steps, watched, value, etaSeconds }) =>
      print(
        `${release.padEnd(18)} step ${step}/${steps}  ${watched} ${value.toFixed(3)}  ETA ${Math.round(etaSeconds)} s`,
      ),
  });
}

async function assemble(): Promise<void> {
  rmSync(newReleasesDir, { recursive: true, force: true });
  keepGoldenSets();
  const onRelease = (folder: string) => print(`${folder} assembled and measured`);
  await assembleReleases({ trainedDir: outDir, outDir: newReleasesDir, cacheDir, codeCommit: codeCommit(), onRelease });
}

/** Golden pictures belong to the model name, not to a training: releases that devices hold refer to them by digest. */
function keepGoldenSets(): void {
  for (const name of new Set(RECIPES.map((recipe) => recipe.release.split('/')[0] ?? ''))) {
    const path = join(name, GOLDEN_FRAMES_PATH);
    if (existsSync(join(RELEASES_DIR, path))) cpSync(join(RELEASES_DIR, path), join(newReleasesDir, path));
  }
}

/** Prints the main metrics beside the committed ones; false when one is further off than the tolerance allows. */
function compare(): boolean {
  const pairs = RECIPES.map((recipe) => recipe.release).filter((release) =>
    [newReleasesDir, RELEASES_DIR].every((dir) => existsSync(join(dir, release, 'manifest.json'))),
  );
  const verdicts = pairs.flatMap((release) => compareRelease(release));
  print(`${Math.round((performance.now() - startedAt) / 1000)} s; the numbers are on synthetic frames only`);
  return verdicts.every((isNear) => isNear);
}

function compareRelease(release: string): readonly boolean[] {
  const valuesIn = (dir: string) => readRelease(release, dir).manifest.metrics.values;
  const committed = valuesIn(RELEASES_DIR);
  const main = valuesIn(newReleasesDir).filter(
    (one) => one.class === undefined && one.metric !== 'false-positives-per-1k',
  );
  return main.map(({ metric, value }) => {
    const before = committed.find((one) => one.metric === metric && one.class === undefined)?.value ?? 0;
    const isNear = Math.abs(value - before) <= SHARE_TOLERANCE;
    print(`${isNear ? 'ok  ' : 'FAR '} ${release.padEnd(18)} ${metric.padEnd(9)} ${value} (committed ${before})`);
    return isNear;
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
