// Guardrails of the common short form (`p95_latency_increase_pct: "<= 10"`) as expressions of a rollout file, or why not.

/** `to`: an expression, or null when it cannot be said here. */
export type TranslatedGuardrail =
  | { readonly to: string; readonly id: string; readonly reason: string }
  | { readonly to: null; readonly reason: string };

type Limit = { readonly relation: '<=' | '>='; readonly value: number };

type Rule = {
  readonly name: RegExp;
  readonly relation: Limit['relation'];
  readonly id: (match: RegExpExecArray) => string;
  readonly expression: (value: number, match: RegExpExecArray) => string;
};

const PERCENTILE = '(p50|p95|p99)';

const RULES: readonly Rule[] = [
  {
    name: new RegExp(`^(?:${PERCENTILE}_latency|latency_${PERCENTILE})_increase_pct$`),
    relation: '<=',
    id: (match) => percentileOf(match),
    expression: (value, match) => `${percentileOf(match)}(latency_ms) <= baseline * ${factor(value)}`,
  },
  {
    name: new RegExp(`^(?:${PERCENTILE}_latency|latency_${PERCENTILE})_ms$`),
    relation: '<=',
    id: (match) => percentileOf(match),
    expression: (value, match) => `${percentileOf(match)}(latency_ms) <= ${value} ms`,
  },
  {
    name: /^errors?(?:_rate)?_pct$/,
    relation: '<=',
    id: () => 'errors',
    expression: (value) => `rate(errors, frames) <= ${value} %`,
  },
  {
    name: /^errors?(?:_rate)?_increase_pct$/,
    relation: '<=',
    id: () => 'errors',
    expression: (value) => `rate(errors, frames) <= baseline * ${factor(value)}`,
  },
  {
    name: /^(?:dropped_frames|frame_drop(?:_rate)?|drop_rate)_pct$/,
    relation: '<=',
    id: () => 'dropped',
    expression: (value) => `rate(dropped, frames) <= ${value} %`,
  },
  {
    name: /^fps_(?:drop|decrease)_pct$/,
    relation: '<=',
    id: () => 'fps',
    expression: (value) => `mean(fps) >= baseline * ${factor(-value)}`,
  },
  { name: /^fps(?:_min)?$/, relation: '>=', id: () => 'fps', expression: (value) => `mean(fps) >= ${value}` },
  {
    name: /^(?:temperature|temp|soc_temp)_increase_c$/,
    relation: '<=',
    id: () => 'thermal',
    expression: (value) => `mean(soc_temp_c) <= baseline + ${value} C`,
  },
  {
    name: /^(map|map50|precision|recall|iou)_drop_(?:points|pts?|pp)$/,
    relation: '<=',
    id: (match) => metricOf(match),
    expression: (value, match) => `golden(${metricOf(match)}) >= baseline - ${value} pt`,
  },
];

/** What people ask for and no device reports; the nearest thing that can be judged. */
const NEAREST: readonly (readonly [RegExp, string])[] = [
  [
    /dice|object_recall/,
    'the self-test scores recall, precision, mAP50 and IoU; nearest: "golden(iou) >= baseline - 1 pt" with per: class',
  ],
  [/false_pos|false_al|fpr/, 'needs answers that people have checked; nearest: "golden(precision) >= baseline - 1 pt"'],
  [
    /oom|crash|restart|watchdog/,
    'a device that loses its runner goes back by itself, and abort.deviceReverts counts it',
  ],
  [/cold_?start|startup/, 'no cold start is measured; every candidate is loaded and proven before it may answer'],
  [/mem|rss/, 'set limits.rssSlopeMbPerMin: each device judges the growth of memory by itself'],
  [/batter|power/, 'set limits.batteryFloorPct and limits.batteryDrainRatio: each device judges them by itself'],
  [/cost/, 'costs are not known to devices; promote by hand (promote: manual)'],
  [/cer|wer|accuracy|f1/, 'not scored; nearest: "golden(map50) >= baseline - 1 pt"'],
];

/** `name` and what is written behind it. */
export function translateGuardrail(name: string, written: unknown): TranslatedGuardrail {
  const key = name.toLowerCase().replaceAll('-', '_');
  const limit = readLimit(written);
  for (const rule of RULES) {
    const match = rule.name.exec(key);
    if (!match) continue;
    if (limit === null)
      return { to: null, reason: `expected a limit such as "${rule.relation} 10", not ${JSON.stringify(written)}` };
    if (limit.relation !== rule.relation)
      return { to: null, reason: `"${limit.relation}" would ask for the worse side; expected "${rule.relation}"` };
    if (limit.value < 0) return { to: null, reason: 'expected a limit of 0 or more' };
    if (key.includes('fps_d') && limit.value >= 100) return { to: null, reason: 'expected less than 100' };
    return { to: rule.expression(limit.value, match), id: rule.id(match), reason: '' };
  }
  const nearest = NEAREST.find(([pattern]) => pattern.test(key))?.[1];
  return { to: null, reason: nearest ?? 'no metric of this name; "belay rollout init" shows what can be judged' };
}

/** `"<= 10"`, `"< 0.5%"`, `"≤ 3"`; a bare number is an upper limit. */
function readLimit(written: unknown): Limit | null {
  if (typeof written === 'number') return { relation: '<=', value: written };
  if (typeof written !== 'string') return null;
  const match = /^(<=?|≤|>=?|≥)?\s*(-?\d+(?:\.\d+)?)\s*(?:%|ms|pt|points)?$/.exec(written.trim());
  if (!match) return null;
  return { relation: match[1]?.startsWith('>') || match[1] === '≥' ? '>=' : '<=', value: Number(match[2]) };
}

function percentileOf(match: RegExpExecArray): string {
  return match[1] ?? match[2] ?? '';
}

function metricOf(match: RegExpExecArray): string {
  return match[1] === 'map' ? 'map50' : (match[1] ?? '');
}

/** `10` → `1.1`, without the noise of binary fractions. */
function factor(percent: number): number {
  return Number((1 + percent / 100).toFixed(6));
}
