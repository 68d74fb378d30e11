// The rollout file of tests on the simulated fleet: short bakes, one relative guardrail, and whatever a test adds.

export type RolloutWords = {
  readonly name?: string;
  readonly owners?: string;
  readonly cohort?: string;
  readonly stages?: readonly string[];
  readonly guardrails?: readonly string[];
  readonly analysis?: string;
  /** Further sections of the spec, each on lines of its own. */
  readonly more?: string;
};

export const TWO_STAGES: readonly string[] = [
  'name: some, percent: 25, bake: 8m, extend: 2x4m',
  'name: full, percent: 100, bake: 8m, extend: 2x4m',
];
export const SLOWER = 'id: p95, expr: "p95(latency_ms) <= baseline * 1.2", enforce: rollback';

const list = (items: readonly string[]): string => items.map((item) => `    - {${item}}`).join('\n');

export function rolloutText(words: RolloutWords = {}): string {
  const { name = 'detector-2', owners = 'primary: vision-team, backup: on-call', cohort = 'salt: "fixed:r1"' } = words;
  const { stages = TWO_STAGES, guardrails = [SLOWER], analysis = '', more = '' } = words;
  return `apiVersion: belay/v1
kind: Rollout
metadata: {name: ${name}}
spec:
  candidate: cv-detector:2.0.0
  owners: {${owners}}
  cohort: {${cohort}}
  stages:
${list(stages)}
  analysis:
    settle: 1m
    minimum: {devices: 2, controls: 2, framesPerDevice: 600, baseDetections: 20, minutes: 3}
    missing: {stale: 3m, maxSilent: 20%}
${analysis}  guardrails:
${list(guardrails)}
${more}`;
}
