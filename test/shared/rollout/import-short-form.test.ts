// The short form becomes a rollout file that says the same, and every field is accounted for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ImportOptions, importShortForm } from '../../../shared/rollout/import-short-form.ts';
import { lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import { translateGuardrail } from '../../../shared/rollout/short-form-guardrails.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../../scripts/examples/short-form/segmenter.yaml'), 'utf8');
const OWNERS = { owner: 'vision-team', backup: 'on-call' };

function imported(text: string, options: ImportOptions = OWNERS) {
  const result = importShortForm(text, options);
  if (!result.ok) throw new Error(result.reason);
  return result;
}

describe('importShortForm', () => {
  it('gives the long form of the worked plan, and says what became of each field', () => {
    const { text, notes } = imported(EXAMPLE);
    const read = readRolloutFile(text);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    const { spec } = read.value;
    expect(spec.candidate).toBe('seg-service:1.5.0');
    expect(spec.stages.map(({ percent, bake }) => [percent, bake / 60_000])).toEqual([
      [5, 60],
      [25, 120],
      [50, 180],
      [100, 1440],
    ]);
    expect(spec.guardrails.map(({ expr, enforce }) => [expr.text, enforce])).toEqual([
      ['p95(latency_ms) <= baseline * 1.1', 'rollback'],
      ['rate(errors, frames) <= 0.5 %', 'rollback'],
      ['golden(iou) >= baseline - 1 pt', 'rollback'],
    ]);
    expect(notes.filter(({ to }) => to === null)).toEqual([]);
    expect(notes.map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        'service',
        'versions[0]',
        'versions[1]',
        'rollout_stages[0]',
        'rollout_stages[2]',
        'metrics_guardrails.error_rate_pct',
        '',
      ]),
    );
  });

  it('leaves open what was not said, and the reader of rollout files asks for it', () => {
    const { text } = imported(EXAMPLE, {});
    expect(lintRolloutFile(text).problems.map(({ path }) => path)).toEqual([
      'spec.owners.primary',
      'spec.owners.backup',
    ]);
  });

  it('understands the common variations', () => {
    const { text, notes } = imported(
      `
service: Weld Seg
owner: vision-team
backup: on-call
name: weld-2
factories: [plant-a, plant-b]
sticky_sessions: true
auto_rollback: false
breach_duration: 10 min
mesh: istio
versions: [{name: "2.1", weight: 10}, {name: "2.0", weight: 90}]
rollout_stages:
  - {weight: 0, shadow: true, duration: 24h}
  - {weight: 10%, duration: 2 hours, region: eu}
  - {weight: 100}
metrics_guardrails: {latency_p99_increase_pct: 20, fps_drop_pct: "< 5", map_drop_points: "≤ 1"}
`,
      {},
    );
    const read = readRolloutFile(text);
    if (!read.ok) throw new Error(JSON.stringify(read.problems));
    expect(read.value.metadata.name).toBe('weld-2');
    expect(read.value.spec).toMatchObject({
      candidate: 'weld-seg:2.1.0',
      cohort: { factories: ['plant-a', 'plant-b'] },
      stages: [
        { mode: 'shadow', percent: 100, bake: 86_400_000 },
        { mode: 'serve', percent: 10, bake: 7_200_000 },
        { percent: 100, bake: 3_600_000 },
      ],
      guardrails: [
        { enforce: 'hold', expr: { text: 'p99(latency_ms) <= baseline * 1.2 for 10m' } },
        { expr: { text: 'mean(fps) >= baseline * 0.95 for 10m' } },
        { expr: { text: 'golden(map50) >= baseline - 1 pt for 10m' } },
      ],
    });
    const lost = notes.filter(({ to }) => to === null).map(({ field }) => field);
    expect(lost).toEqual(['rollout_stages[1].region', 'mesh']);
    expect(notes.find(({ field }) => field === 'rollout_stages[2]')?.reason).toContain('60m assumed');
  });

  it.each([
    ['a: [', 'not YAML'],
    ['- 1', 'not a map'],
    ['apiVersion: belay/v1', 'not the short form'],
    ['service: x', 'neither rollout_stages nor metrics_guardrails'],
  ])('refuses %s', (text, reason) => {
    expect(importShortForm(text)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });
});

describe('translateGuardrail', () => {
  it.each([
    ['p50_latency_ms', '<= 120 ms', 'p50(latency_ms) <= 120 ms'],
    ['error_rate_increase_pct', 50, 'rate(errors, frames) <= baseline * 1.5'],
    ['drop-rate-pct', '< 2%', 'rate(dropped, frames) <= 2 %'],
    ['fps_min', '>= 8', 'mean(fps) >= 8'],
    ['temp_increase_c', '<= 5', 'mean(soc_temp_c) <= baseline + 5 C'],
    ['recall_drop_pp', '<= 3', 'golden(recall) >= baseline - 3 pt'],
  ])('%s %s', (name, limit, expression) => {
    expect(translateGuardrail(name, limit).to).toBe(expression);
  });

  it.each([
    ['error_rate_pct', '>= 1', 'the worse side'],
    ['error_rate_pct', 'few', 'expected a limit'],
    ['error_rate_pct', -1, '0 or more'],
    ['fps_drop_pct', 100, 'less than 100'],
    ['false_positive_increase_pct', 10, 'golden(precision)'],
    ['oom_events', 0, 'abort.deviceReverts'],
    ['moon_phase', 1, 'no metric of this name'],
  ])('says why %s: %s cannot be said', (name, limit, reason) => {
    expect(translateGuardrail(name, limit)).toEqual({ to: null, reason: expect.stringContaining(reason) });
  });
});
