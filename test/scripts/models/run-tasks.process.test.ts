// Training tasks as processes: a failing one ends the whole, a stuck plan is named.
import { describe, expect, it } from 'vitest';
import { runTasks } from '../../../scripts/models/training/run-tasks.ts';

const options = { workers: 2, done: new Set<string>(), onProgress: () => {} };

describe('runTasks', () => {
  it('ends with the first failure and says which task it was', async () => {
    const task = { id: 'no-such-release', args: ['train', 'none/0.0.0', '/nowhere', '/nowhere'], after: [] };
    await expect(runTasks([task], options)).rejects.toThrow('no-such-release ended with exit code 1');
  });

  it('names a plan that waits for something nobody makes', async () => {
    const task = { id: 'child', args: [], after: ['parent'] };
    await expect(runTasks([task], options)).rejects.toThrow('no task can start');
  });

  it('has nothing to do when all is done', async () => {
    await runTasks([{ id: 'a', args: [], after: [] }], { ...options, done: new Set(['a']) });
  });
});
