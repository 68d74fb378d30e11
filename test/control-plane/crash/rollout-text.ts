// The rollout file of these tests: two stages that take seconds, one of which needs an approval; a release whose frames fail goes
// back. JSON is YAML.
import type { ReleaseRef } from '../../../shared/protocol/documents.ts';

export const STARTER = 'engineer';
export const APPROVER = 'quality-lead';
export const OPERATOR = 'on-call';

export type LastStage = 'auto' | 'manual';

export function rolloutText(name: string, { release }: ReleaseRef, promote: LastStage): string {
  return JSON.stringify({
    apiVersion: 'belay/v1',
    kind: 'Rollout',
    metadata: { name },
    spec: {
      candidate: release,
      owners: { primary: 'vision-team', backup: OPERATOR, approvers: [APPROVER] },
      stages: [
        { name: 'half', percent: 50, bake: '1s', extend: '40x1s', promote: 'approval', approvals: 1 },
        { name: 'full', percent: 100, bake: '1s', extend: '40x1s', promote },
      ],
      analysis: {
        settle: '0s',
        minimum: { devices: 1, controls: 0, framesPerDevice: 3, baseDetections: 1, objects: 1, minutes: 0 },
        missing: { stale: '60s', maxSilent: '90%' },
      },
      guardrails: [{ id: 'errors', expr: 'rate(errors, frames) <= 50 %', enforce: 'rollback' }],
      abort: {
        deviceReverts: { percent: 100, min: 1000 },
        verify: { for: '1s', expr: 'rate(errors, frames) <= 50 %' },
      },
    },
  });
}
