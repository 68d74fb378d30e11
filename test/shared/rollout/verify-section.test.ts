// `abort.verify` in a rollout file: what it may say, and every mistake in it with its place.
import { describe, expect, it } from 'vitest';
import { formatFileProblem, readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import { VERIFY_EXPRESSION_DEFAULT, verifyTerms } from '../../../shared/rollout/verify-section.ts';

const fileWith = (abort: string) => `apiVersion: belay/v1
kind: Rollout
metadata: {name: r}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: some, percent: 5, bake: 30s}, {name: full, percent: 100, bake: 1h}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
${abort}`;

function termsOf(abort: string) {
  const read = readRolloutFile(fileWith(abort));
  if (!read.ok) throw new Error(read.problems.map((problem) => problem.message).join('; '));
  const { spec } = read.value;
  return verifyTerms(spec.abort.verify, spec.stages);
}

function problemsOf(abort: string): readonly string[] {
  const read = readRolloutFile(fileWith(abort));
  return read.ok ? [] : read.problems.map((problem) => formatFileProblem('r.yaml', problem));
}

describe('abort.verify', () => {
  it('has a default in a file that was written before it was known', () => {
    const expected = { text: VERIFY_EXPRESSION_DEFAULT, forMs: 30_000 };
    expect(termsOf('')).toMatchObject(expected);
    expect(termsOf('  abort: {deviceReverts: {min: 2}}')).toMatchObject(expected);
    expect(termsOf('  abort: {verify: {}}')).toMatchObject(expected);
  });

  it('takes a time and an expression, or none', () => {
    expect(termsOf('  abort: {verify: {for: 10m, expr: "p95(latency_ms) <= baseline * 1.03"}}')).toMatchObject({
      forMs: 600_000,
      expression: { metric: 'latency_ms', comparison: { value: 1.03 } },
    });
    expect(termsOf('  abort: {verify: none}')).toBeNull();
  });

  it('names mistakes with their places', () => {
    expect(problemsOf('  abort: {verify: {expr: "p95(latency) <= baseline * 1.03"}}')).toEqual([
      expect.stringMatching(/^r\.yaml:9:31 spec\.abort\.verify\.expr: unknown metric "latency"/),
    ]);
    expect(problemsOf('  abort: {verify: {expr: "rate(lost) <= 3 %"}}')[0]).toContain(
      'lost is not measured while only the baseline runs',
    );
    expect(problemsOf('  abort: {verify: {for: soon}}')[0]).toContain('spec.abort.verify.for: must be a duration');
    expect(problemsOf('  abort: {verify: {during: 5m}}')[0]).toContain('spec.abort.verify.during: unknown field');
    expect(problemsOf('  abort: {verify: never}')[0]).toMatch(/spec\.abort\.verify: must be/);
    expect(problemsOf('  abort: {verify: {for: 10ms}}')[0]).toContain('must be at least 1s');
  });
});
