// The guardrail language: what it reads, and where it points when it does not.
import { describe, expect, it } from 'vitest';
import { type Expression, parseExpression } from '../../../shared/rollout/expression.ts';
import { describeLimit, describeMetric } from '../../../shared/rollout/expression-text.ts';

function read(text: string): Expression {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(`${result.problem.column}: ${result.problem.message}`);
  return result.value;
}

describe('parseExpression', () => {
  it.each([
    ['p95(latency_ms) <= baseline * 1.10', 'p95 latency', '≤ +10 %'],
    ['p99(latency_ms) <= baseline * 1.2 for 10m', 'p99 latency', '≤ +20 %'],
    ['p95(latency_ms) <= 120 ms', 'p95 latency', '≤ 120 ms'],
    ['mean(fps) >= baseline * 0.95', 'frames per second', '≥ -5 %'],
    ['rate(errors, frames) <= 0.5 %', 'error rate', '≤ 0.5 %'],
    ['rate(errors, frames) < 0.5 %', 'error rate', '≤ 0.5 %'],
    ['rate(dropped, frames) <= baseline * 1.5', 'dropped frames', '≤ +50 %'],
    ['mean(soc_temp_c) <= baseline + 5', 'temperature', '≤ +5 °C'],
    ['rate(lost, class=micro-crack) <= 10 %', 'confident detections lost of micro-crack', '≤ 10 %'],
    ['rate(gained, class="big dent") <= 25 %', 'confident detections gained of big dent', '≤ 25 %'],
    ['rate(wrong_class) <= 5 %', 'wrong class', '≤ 5 %'],
    ['border_share <= baseline + 10 pt', 'border share', '≤ +10 pt'],
    ['mean(detections_per_frame) within baseline +/- 15 %', 'detections per frame', 'within ±15 %'],
    ['mean(detections_per_frame, class=dent) within baseline ± 15 %', 'detections per frame of dent', 'within ±15 %'],
    [
      'golden(recall, class=micro-crack, size=small) >= baseline - 10 pt',
      'golden recall of small micro-crack',
      '≥ -10 pt',
    ],
    ['golden(map50) >= baseline + 2 pt', 'golden mAP50', '≥ +2 pt'],
    ['golden(map50) >= baseline-3 pt', 'golden mAP50', '≥ -3 pt'],
    ['golden(precision, class=dent) >= 80 %', 'golden precision of dent', '≥ 80 pt'],
    ['mean(confidence) within baseline +/- 10 %', 'mean confidence', 'within ±10 %'],
    ['rate(flicker, tracks) <= baseline * 1.25', 'flicker', '≤ +25 %'],
    ['rate(empty, frames) <= baseline * 1.5', 'empty frames', '≤ +50 %'],
    ['slope(battery_pct, 1h) >= baseline - 2 pt', 'battery per hour', '≥ -2 pt'],
    ['mean(battery_pct) >= 30 %', 'battery', '≥ 30 pt'],
    ['mean(cpu_load_pct) <= baseline + 10 pt', 'processor load', '≤ +10 pt'],
    ['mean(power_w) <= baseline * 1.15', 'power', '≤ +15 %'],
    ['mean(rss_mb) <= 900 MB', 'memory', '≤ 900 MB'],
    ['golden.iou(class=micro-crack) >= baseline - 1 pt', 'golden IoU of micro-crack', '≥ -1 pt'],
    ['golden.map50 improves >= 2 pt', 'golden mAP50', '≥ +2 pt'],
    ['rate(errors, frames) <= control + 0.3 pt for 10m', 'error rate', '≤ the controls +0.3 pt'],
    ['p95(cold_start_ms) <= baseline * 1.5', 'p95 cold start', '≤ +50 %'],
    ['rate(false_alerts, frames_k) <= baseline * 1.10', 'false alerts per 1000 frames', '≤ +10 %'],
    ['cost_per_defect improves >= 5 %', 'cost per defect caught', '≤ -5 %'],
    ['throughput improves >= 5 %', 'parts per hour', '≥ +5 %'],
    ['mean(shadow_disagreement) <= 6 %', 'disagreement on the same frames', '≤ 6 %'],
    ['mean(soc_temp_c) <= baseline + 5 pt', 'temperature', '≤ +5 °C'],
    ['js(confidence) <= 0.05', 'distance of confidences (JS)', '≤ 0.05'],
  ])('reads %s', (text, metric, limit) => {
    const expression = read(text);
    expect([describeMetric(expression), describeLimit(expression.comparison)]).toEqual([metric, limit]);
  });

  it('keeps the duration of a sustained breach', () => {
    expect(read('p99(latency_ms) <= baseline * 1.2 for 10m').forMs).toBe(600_000);
    expect(read('p99(latency_ms) <= baseline * 1.2').forMs).toBe(0);
  });

  it.each([
    ['p95(latency_mss) <= baseline * 1.1', 5, 'did you mean "latency_ms"'],
    ['p59(latency_ms) <= baseline * 1.1', 1, 'unknown "p59"'],
    ['p95 latency', 5, 'expected "("'],
    ['mean(latency_ms) <= 3 ms', 6, 'is written p50(latency_ms'],
    ['p95(latency_ms) >= baseline * 1.1', 17, 'must be "<="'],
    ['p95(latency_ms) <= baseline + 3 ms', 17, 'compared as "baseline * k"'],
    ['p95(latency_ms) <= baseline * 0', 31, 'more than 0'],
    ['p95(latency_ms) <= 120 C', 24, 'measured in ms'],
    ['rate(errors, frames) <= 0.5', 28, 'expected "%"'],
    ['rate(errors, hours) <= 0.5 %', 14, 'has no "hours"'],
    ['golden(recall, size=tiny) >= baseline - 1 pt', 21, 'small or large'],
    ['mean(battery_pct) >= baseline + 1 pt', 19, 'demands an improvement'],
    ['golden(map50, size=small) >= baseline - 1 pt', 15, 'no "size"'],
    ['border_share <= baseline + 10 pt; drop', 33, 'unexpected character ";"'],
    ['border_share <= baseline + 10 pt drop', 34, 'unexpected "drop"'],
    ['p95(latency_ms) <= baseline * 1.1 for ages', 39, 'expected a duration'],
    ['p95(latency_ms)', 16, 'expected "<=", ">=" or "within", found the end'],
    ['', 1, 'an expression such as'],
    ['slope(battery_pct) >= baseline - 2 pt', 18, 'expected ", 1h"'],
    ['slope(battery_pct, 2h) >= baseline - 2 pt', 20, 'per hour: write 1h'],
    ['slope(latency_ms, 1h) <= baseline * 1.1', 7, 'is written p50(latency_ms'],
    ['rate(flicker, tracks) <= 5 %', 23, 'compared as "baseline * k"'],
    ['p95(latency_ms) <= control + 5 ms', 20, 'always subtracted'],
    ['rate(errors, frames) <= control - 0.3 pt', 33, 'expected "+"'],
    ['cost_per_defect improves <= 5 %', 17, 'improves >= 5 %'],
    ['cost_per_defect improves >= 5', 30, 'expected "%" or "pt"'],
    ['cost_per_defects improves >= 5 %', 1, 'did you mean "cost_per_defect"'],
    ['golden.mapp50 >= baseline - 1 pt', 1, 'did you mean "map50"'],
    ['count(errors) <= 5', 1, 'write a rate'],
    ['process.exit(1)', 8, 'unexpected character "."'],
  ])('points at the mistake in "%s"', (text, column, message) => {
    const result = parseExpression(text);
    expect(result).toMatchObject({ ok: false, problem: { column } });
    if (!result.ok) expect(result.problem.message).toContain(message);
  });

  it('refuses a text that is too long before it reads it', () => {
    expect(parseExpression('p'.repeat(301))).toMatchObject({ ok: false, problem: { column: 1 } });
  });
});
