// The rollout file of tests in a browser: seconds instead of hours, one limit that the judge decides on at once. JSON is YAML.

const LATENCY = 'p95(latency_ms) <= 60 ms';

export function quickRollout(
  name: string,
  { release }: { readonly release: string },
  stages: readonly object[],
  guardrails: readonly object[] = [],
): string {
  const analysis = {
    settle: '0s',
    window: '3s',
    minimum: { devices: 1, controls: 0, framesPerDevice: 3, baseDetections: 1, objects: 1, minutes: 0 },
    missing: { stale: '60s', maxSilent: '90%' },
  };
  return JSON.stringify({
    apiVersion: 'belay/v1',
    kind: 'Rollout',
    metadata: { name },
    spec: {
      candidate: release,
      owners: { primary: 'vision-team', backup: 'on-call', approvers: ['quality-lead'] },
      stages,
      analysis,
      guardrails: [{ id: 'latency', expr: LATENCY, enforce: 'rollback' }, ...guardrails],
      abort: { deviceReverts: { percent: 100, min: 1000 }, verify: { for: '2s', expr: LATENCY } },
    },
  });
}
