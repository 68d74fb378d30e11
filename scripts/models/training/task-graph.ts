// What a full training consists of and in which order it may run: shards of frames, then the runs that need them, each
// after its parent. Pure; train.ts carries it out with one process per task.
import type { Recipe } from '../recipes.ts';
import { shardCount } from './frames.ts';

/** `after` names tasks that must have ended well before this one starts. */
export type Task = {
  readonly id: string;
  readonly args: readonly string[];
  readonly after: readonly string[];
};

/** Longest runs first within what is ready: with few cores the longest chain decides when all is done. */
export function planTasks(recipes: readonly Recipe[], dirs: { outDir: string; cacheDir: string }): readonly Task[] {
  const withFrames = recipes.filter((recipe) => recipe.net !== 'lot-reader');
  const framesMax = Math.max(0, ...withFrames.map((recipe) => recipe.samples));
  const shards = Array.from({ length: shardCount(framesMax) }, (_, shard) => ({
    id: shardId(shard),
    args: ['frames', 'train', String(shard), dirs.cacheDir],
    after: [],
  }));
  const runs = recipes
    .toSorted((a, b) => chainSteps(b, recipes) - chainSteps(a, recipes))
    .map((recipe) => ({
      id: recipe.release,
      args: ['train', recipe.release, dirs.outDir, dirs.cacheDir],
      after: [...shardsOf(recipe), ...(recipe.parent === null ? [] : [recipe.parent])],
    }));
  return [...shards, ...runs];
}

/** The tasks that may start now, in order of preference. */
export function readyTasks(
  tasks: readonly Task[],
  done: ReadonlySet<string>,
  started: ReadonlySet<string>,
): readonly Task[] {
  return tasks.filter((task) => !started.has(task.id) && task.after.every((id) => done.has(id)));
}

function shardsOf(recipe: Recipe): readonly string[] {
  if (recipe.net === 'lot-reader') return [];
  return Array.from({ length: shardCount(recipe.samples) }, (_, shard) => shardId(shard));
}

function shardId(shard: number): string {
  return `frames/${shard}`;
}

/** Steps of a run and of the longest chain of children behind it. */
function chainSteps(recipe: Recipe, recipes: readonly Recipe[]): number {
  const children = recipes.filter((child) => child.parent === recipe.release);
  return recipe.steps + Math.max(0, ...children.map((child) => chainSteps(child, recipes)));
}
