// The rollout files of simulated fleets: what an operator would write, with bakes of a minute. Read by the real reader.
import { expandGuardrails, type Guardrail } from '../../../shared/rollout/guardrails.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import type { RolloutFile } from '../../../shared/rollout/rollout-file.ts';

const STAGES = [
  [
    '{ name: selftest, percent: 100, mode: golden, bake: 20s, extend: 4x30s }',
    '{ name: shadow, percent: 50, mode: shadow, bake: 60s, extend: 4x60s, sampleEvery: 2, minCoverage: 10% }',
    '{ name: canary, percent: 10, bake: 60s, extend: 3x60s }',
    '{ name: half, percent: 50, bake: 60s, extend: 3x60s }',
    '{ name: full, percent: 100, bake: 30s, extend: 3x60s }',
  ],
  [
    '{ name: canary, percent: 20, bake: 45s, extend: 3x60s }',
    '{ name: wide, percent: 60, bake: 45s, extend: 3x60s }',
    '{ name: full, percent: 100, bake: 30s, extend: 3x60s }',
  ],
  [
    '{ name: shadow, percent: 100, mode: shadow, bake: 45s, extend: 3x60s, minCoverage: 10% }',
    '{ name: full, percent: 100, bake: 60s, extend: 3x60s }',
  ],
] as const;

export type ReadFile = { readonly file: RolloutFile; readonly guardrails: readonly Guardrail[] };

/** The file number `index` for this candidate. */
export function rolloutFileOf(index: number, candidate: string): ReadFile {
  const stages = STAGES[index % STAGES.length] ?? STAGES[0];
  const read = readRolloutFile(textOf(candidate, stages));
  if (!read.ok) throw new TypeError(`the simulated rollout file is wrong: ${JSON.stringify(read.problems)}`);
  return { file: read.value, guardrails: expandGuardrails(read.value.spec, ['dent']).guardrails };
}

function textOf(candidate: string, stages: readonly string[]): string {
  return [
    'apiVersion: belay/v1',
    'kind: Rollout',
    'metadata: { name: simulated }',
    'spec:',
    `  candidate: "${candidate}"`,
    '  owners: { primary: vision-team, backup: on-call-vision }',
    '  stages:',
    ...stages.map((stage) => `    - ${stage}`),
    '  analysis:',
    '    settle: 10s',
    '    minimum: { devices: 1, controls: 0, framesPerDevice: 3, minutes: 0.4 }',
    '    missing: { stale: 3m, maxSilent: 50% }',
    '  guardrails:',
    '    - { id: errors, expr: "rate(errors, frames) <= 10 %", enforce: rollback, for: 30s }',
    '  limits: { latencyRatio: 6 }',
    '  abort:',
    '    deviceReverts: { percent: 30, min: 3 }',
  ].join('\n');
}
