// The order of a full training: frames before runs, parents before children, long chains first.
import { describe, expect, it } from 'vitest';
import { RECIPES, recipeDigest, recipeOf } from '../../../scripts/models/recipes.ts';
import { planTasks, readyTasks } from '../../../scripts/models/training/task-graph.ts';

const dirs = { outDir: '/out', cacheDir: '/cache' };
const tasks = planTasks(RECIPES, dirs);

/** Starts tasks one after another and answers the order. */
function order(): readonly string[] {
  const done = new Set<string>();
  while (done.size < tasks.length) {
    const [next] = readyTasks(tasks, done, done);
    if (next === undefined) throw new Error('stuck');
    done.add(next.id);
  }
  return [...done];
}

describe('planTasks', () => {
  it('can be carried out to the end, parents before children', () => {
    const at = new Map(order().map((id, i) => [id, i]));
    for (const { release, parent } of RECIPES) {
      if (parent !== null) expect(at.get(parent)).toBeLessThan(at.get(release) ?? -1);
    }
    expect(at.size).toBe(tasks.length);
  });

  it('lets no detector start before its last frame is rendered', () => {
    const run = tasks.find((task) => task.id === 'cv-detector/1.8.2');
    expect(run?.after).toEqual(['frames/0', 'frames/1', 'frames/2', 'frames/3', 'frames/4']);
  });

  it('puts the longest chain first', () => {
    const runs = order().filter((id) => !id.startsWith('frames/'));
    expect(runs.indexOf('cv-detector/2.0.0')).toBeLessThan(runs.indexOf('cv-detector/1.8.2'));
  });

  it('renders nothing for the lot reader alone', () => {
    expect(planTasks([recipeOf('lot-reader/1.0.0')], dirs).map((task) => task.id)).toEqual(['lot-reader/1.0.0']);
  });
});

describe('recipeDigest', () => {
  it('moves with every setting', () => {
    const recipe = recipeOf('cv-detector/2.0.0');
    expect(recipeDigest({ ...recipe, seed: recipe.seed + 1 })).not.toBe(recipeDigest(recipe));
    expect(recipeDigest({ ...recipe })).toBe(recipeDigest(recipe));
  });
});
