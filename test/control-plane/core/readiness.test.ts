// The readiness checklist: each gate holds or does not by its own evidence, and only what the file requires stands in the way.
import { describe, expect, it } from 'vitest';
import { lackingGates, type ReadinessFacts, readiness } from '../../../control-plane/core/readiness.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import { GATES } from '../../../shared/rollout/requires-section.ts';

const NOW = 1_700_000_000_000;
const DAY_MS = 86_400_000;

function factsOf(requires: readonly string[], change: Partial<ReadinessFacts> = {}): ReadinessFacts {
  const read = readRolloutFile(`apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2, labels: {runbook: "https://runbooks.example/vision"}}
spec:
  candidate: cv-detector:2.0.0
  owners: {primary: vision-team, backup: on-call}
  requires: ${JSON.stringify(requires)}
  stages:
    - {name: shadow, percent: 100, mode: shadow, bake: 1h, promote: approval}
    - {name: full, percent: 100, bake: 1h}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback}
    - {id: lost, expr: "rate(lost) <= 5 %", stages: [shadow], enforce: hold}
`);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return {
    file: read.value,
    nowMs: NOW,
    release: {
      id: 'cv-detector:2.0.0+data=aaaa',
      digest: 'c'.repeat(64),
      state: 'registered',
      registeredAtMs: NOW,
      codeCommit: 'abc1234',
      dataTag: 'aaaa',
      trainConfigSha256: 'd'.repeat(64),
      goldenFile: 'golden/frames.bin',
    },
    rollbackGuardrails: ['p95'],
    devices: [{ device: 'cam-1', hasReported: true, failedProof: null }],
    drill: { id: 'drill-3', failure: 'slow', mode: 'agents', endedAtMs: NOW - 3 * DAY_MS },
    ...change,
  };
}

const withLabels = (labels: Record<string, string>) => {
  const { file } = factsOf([]);
  return { file: { ...file, metadata: { ...file.metadata, labels } } };
};
const withStages = (change: object) => {
  const { file } = factsOf([]);
  const stages = file.spec.stages.map((stage) => ({ ...stage, ...change }));
  return { file: { ...file, spec: { ...file.spec, stages } } };
};

describe('the readiness checklist', () => {
  it('holds in full where everything is there', () => {
    const gates = readiness(factsOf(GATES));
    expect(gates.filter(({ ok }) => !ok)).toEqual([]);
    expect(gates.map(({ gate, required }) => [gate, required])).toEqual(GATES.map((gate) => [gate, true]));
    expect(lackingGates(gates)).toEqual([]);
  });

  it.each([
    ['registry.signed', { release: { ...factsOf([]).release, state: 'withdrawn' } }],
    ['registry.golden.pass', { devices: [{ device: 'cam-1', hasReported: true, failedProof: '3 of 9 met' }] }],
    ['runbook.url', withLabels({})],
    ['runbook.url', withLabels({ runbook: 'on the wall' })],
    ['telemetry.versioned', { devices: [{ device: 'cam-1', hasReported: false, failedProof: null }] }],
    ['telemetry.versioned', { devices: [] }],
    ['shadow.signoff', withStages({ mode: 'serve' })],
    ['shadow.signoff', withStages({ promote: 'auto' })],
    ['guardrails.rollback', { rollbackGuardrails: [] }],
    [
      'owners.assigned',
      {
        file: {
          ...factsOf([]).file,
          spec: { ...factsOf([]).file.spec, owners: { primary: 'a', backup: 'a ', approvers: [], notify: [] } },
        },
      },
    ],
    ['drill.passed', { drill: null }],
    ['drill.passed', { drill: { id: 'drill-1', failure: 'slow', mode: 'simulated', endedAtMs: NOW - 31 * DAY_MS } }],
  ] as const)('%s does not hold without its evidence, and says what to do', (gate, change) => {
    const found = readiness({ ...factsOf([]), ...(change as Partial<ReadinessFacts>) });
    const failed = found.filter(({ ok }) => !ok);
    expect(failed.map((each) => each.gate)).toEqual([gate]);
    expect(failed[0]?.next).not.toBeNull();
    // Not required: shown, and in nobody's way.
    expect(lackingGates(found)).toEqual([]);
  });

  it('counts a drill for as long as the file says', () => {
    const lacking = lackingGates(readiness(factsOf(['drill.passed within 2d'])));
    expect(lacking).toEqual([
      expect.stringMatching(
        /^requires drill.passed: drill-3 \(slow, on devices\) .* 3 days ago: longer ago than 2 days; next: belay drill/,
      ),
    ]);
    expect(lackingGates(readiness(factsOf(['drill.passed within 4d'])))).toEqual([]);
  });

  it('knows its gates, and takes a time for a drill alone', () => {
    const problemsOf = (requires: string) => {
      try {
        factsOf([requires]);
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problemsOf('moon.full')).toMatch(/there is no gate .*drill.passed/);
    expect(problemsOf('runbook.url within 2d')).toMatch(/only drill.passed takes a time/);
    expect(problemsOf('drill.passed within soon')).toMatch(/only drill.passed takes a time/);
  });
});
