// Metrics and forms of limits that people ask for and no device reports today: refused with what to write instead.

const UNMEASURED: Readonly<Record<string, string>> = {
  f1: 'write golden(recall) and golden(precision)',
  memory_mb: 'write mean(rss_mb)',
  gpu_load_pct: 'write mean(power_w) or p95(run_ms)',
  psi: 'distances between distributions are not reported; write mean(confidence) within baseline +/- 10 %',
  count: 'write a rate, such as rate(errors, frames): a count grows with the number of devices',
  control:
    'what the controls do meanwhile is always subtracted; only rates have "control + x pt", others are written against baseline, such as baseline * 1.10',
  stable: 'write "baseline": what each device ran before the rollout',
};

/** `: write mean(rss_mb)`, or null when nothing is known of the word. */
export function insteadOf(word: string): string | null {
  return Object.hasOwn(UNMEASURED, word) ? `"${word}" cannot be judged: ${UNMEASURED[word]}` : null;
}
