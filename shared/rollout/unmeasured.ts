// Metrics and forms of limits that people ask for and no device reports today: refused with what to write instead.

const UNMEASURED: Readonly<Record<string, string>> = {
  cold_start_ms:
    'a device has one cold start, in its self-test, which is no percentile; every candidate is loaded and proven before it may answer',
  false_alerts: 'false alerts need answers that people have checked; write golden(precision) or border_share',
  shadow_disagreement: 'write rate(lost), rate(wrong_class) and rate(gained): they say what disagrees',
  iou: 'the self-test scores recall, precision and map50; write golden(recall) with per: class',
  f1: 'write golden(recall) and golden(precision)',
  memory_mb: 'write mean(rss_mb)',
  gpu_load_pct: 'write mean(power_w) or p95(run_ms)',
  js: 'distances between distributions are not reported; write mean(confidence) within baseline +/- 10 %',
  psi: 'distances between distributions are not reported; write mean(confidence) within baseline +/- 10 %',
  count: 'write a rate, such as rate(errors, frames): a count grows with the number of devices',
  control:
    'what the controls do meanwhile is always subtracted; write the limit against baseline, such as baseline * 1.10',
  stable: 'write "baseline": what each device ran before the rollout',
};

/** `: write mean(rss_mb)`, or null when nothing is known of the word. */
export function insteadOf(word: string): string | null {
  return Object.hasOwn(UNMEASURED, word) ? `"${word}" cannot be judged: ${UNMEASURED[word]}` : null;
}
