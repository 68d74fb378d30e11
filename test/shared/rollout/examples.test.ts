// Every example must read as it stands: users copy them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { formatFileProblem, readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';

const FOLDER = join(import.meta.dirname, '../../../scripts/examples');
const FILES = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
const DETECTOR_LABELS = ['scratch', 'dent', 'micro-crack', 'spill'];

describe('examples', () => {
  it('are all here', () => {
    expect(FILES).toEqual(
      expect.arrayContaining([
        'demo-crack-blind.yaml',
        'demo-good.yaml',
        'demo-kill.yaml',
        'demo-slow.yaml',
        'detector-standard.yaml',
      ]),
    );
  });

  it.each(FILES)('%s has no mistakes, and its classes are those of the detector', (file) => {
    const read = readRolloutFile(readFileSync(join(FOLDER, file), 'utf8'));
    expect(read.ok ? [] : read.problems.map((problem) => formatFileProblem(file, problem))).toEqual([]);
    if (read.ok) expect(expandGuardrails(read.value.spec, DETECTOR_LABELS).problems).toEqual([]);
  });

  it('keep the crack-blind trap: its self-test knows nothing of cracks', () => {
    const read = readRolloutFile(readFileSync(join(FOLDER, 'demo-crack-blind.yaml'), 'utf8'));
    if (!read.ok) throw new Error('the example must read');
    const golden = read.value.spec.guardrails.filter(({ expr }) => expr.parsed.aggregate === 'golden');
    expect(golden.map(({ expr }) => expr.parsed.metric)).toEqual(['map50']);
  });
});

describe('worked plans', () => {
  const PLANS = readdirSync(join(FOLDER, 'plans'));

  it('are all here; the seventh waits for routes by the content of a frame', () => {
    const numbers = PLANS.map((file) => Number(/^plan-(\d+)-/.exec(file)?.[1])).toSorted((a, b) => a - b);
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10]);
  });

  it.each(PLANS)('%s has neither mistakes nor warnings, and each of its rules is judged somewhere', (file) => {
    const text = readFileSync(join(FOLDER, 'plans', file), 'utf8');
    const { problems, warnings } = lintRolloutFile(text, 200);
    expect([...problems, ...warnings].map((problem) => formatFileProblem(file, problem))).toEqual([]);
  });

  it('say what triggers a rollback, and who owns it', () => {
    for (const file of PLANS) {
      const read = readRolloutFile(readFileSync(join(FOLDER, 'plans', file), 'utf8'));
      if (!read.ok) throw new Error(file);
      const { guardrails, owners } = read.value.spec;
      expect([file, guardrails.some(({ enforce }) => enforce === 'rollback')]).toEqual([file, true]);
      expect(owners.primary).not.toBe(owners.backup);
    }
  });
});
