// One training run: recipe in, `<out>/<release>/model.onnx` and `state.ckpt` out. Checkpoints every 200 steps; an
// interrupted run goes on where it stopped only when asked, because the batches of the lost steps are drawn anew.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeModel } from '../onnx/writer.ts';
import { type Recipe, recipeOf } from '../recipes.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { type Course, freezePlanOf, openCourse } from './courses.ts';
import { freezeModel } from './freeze.ts';
import { fineTuneFrom, oneCycleRate, openTrainer, type Trainer, type TrainingState } from './trainer.ts';

const WEIGHT_DECAY = 1e-4;
const REPORT_EVERY_STEPS = 25;
const CHECKPOINT_EVERY_STEPS = 200;

export type Progress = {
  readonly release: string;
  readonly step: number;
  readonly steps: number;
  readonly watched: string;
  readonly value: number;
  readonly etaSeconds: number;
};

export type TrainingRun = {
  readonly release: string;
  readonly outDir: string;
  readonly cacheDir: string;
  readonly onProgress: (progress: Progress) => void;
};

/** Trains one release to the end. Throws when its parent has not been trained into the same `outDir`. */
export async function trainRelease(run: TrainingRun): Promise<void> {
  const recipe = recipeOf(run.release);
  const course = openCourse(recipe, run.cacheDir);
  const folder = join(run.outDir, run.release);
  const trainer = await openTrainer(course.tape, [course.watched.value], startOf(recipe, run.outDir));
  try {
    await takeSteps({ recipe, course, trainer, checkpoint: join(folder, 'running.ckpt') }, run.onProgress);
  } finally {
    await trainer.close();
  }
  mkdirSync(folder, { recursive: true });
  saveCheckpoint(join(folder, 'state.ckpt'), trainer.state);
  writeFileSync(join(folder, 'model.onnx'), writeModel(freezeModel(trainer.state, freezePlanOf(recipe))));
}

function startOf(recipe: Recipe, outDir: string): TrainingState | undefined {
  if (recipe.parent === null) return undefined;
  const path = join(outDir, recipe.parent, 'state.ckpt');
  if (!existsSync(path))
    throw new Error(`training ${recipe.release}: its parent is missing at ${path}; train ${recipe.parent} first`);
  return fineTuneFrom(loadCheckpoint(path));
}

type Steps = {
  readonly recipe: Recipe;
  readonly course: Course;
  readonly trainer: Trainer;
  readonly checkpoint: string;
};

async function takeSteps(from: Steps, onProgress: (progress: Progress) => void): Promise<void> {
  const { recipe, course, trainer } = from;
  const cycle = { steps: recipe.steps, peak: recipe.peakRate, warmShare: course.warmShare };
  const startedAt = performance.now();
  for (let step = 0; step < recipe.steps; step++) {
    const rates = { learningRate: oneCycleRate(step, cycle), weightDecay: WEIGHT_DECAY };
    const [value = Number.NaN] = await trainer.step(course.nextBatch(), rates);
    if (!Number.isFinite(value)) throw new Error(`training ${recipe.release}: the loss is ${value} at step ${step}`);
    const done = step + 1;
    if (done % CHECKPOINT_EVERY_STEPS === 0) saveCheckpoint(from.checkpoint, trainer.state);
    if (done % REPORT_EVERY_STEPS !== 0 && done !== recipe.steps) continue;
    const etaSeconds = ((performance.now() - startedAt) / 1000 / done) * (recipe.steps - done);
    onProgress({
      release: recipe.release,
      step: done,
      steps: recipe.steps,
      watched: course.watched.name,
      value,
      etaSeconds,
    });
  }
}
