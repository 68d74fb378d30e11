// What a guardrail may measure, in one table: how it is written, what it may be compared with, and where its evidence comes from.

export const AGGREGATES = ['p50', 'p95', 'p99', 'mean', 'rate', 'slope', 'golden', 'js'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** How the limit may be written: `baseline * k`, `baseline +/- x`, a plain number, `within baseline +/- x %`, `control + x pt`. */
export type LimitKind = 'ratio' | 'offset' | 'absolute' | 'within' | 'control';

/**
 * Where evidence comes from. `self`: the device against its own past, controls subtracted. `paired`: both releases on
 * the same frames (shadow). `golden`: labelled frames on the device. `probe`: starts of both releases on the device.
 * `business`: what people have brought in, per device. `incident`: events; has no expression.
 */
export type EvidenceSource = 'self' | 'paired' | 'golden' | 'probe' | 'business' | 'incident';

/** How a limit is written, for those who write another. */
export const LIMIT_FORMS: Readonly<Record<LimitKind, string>> = {
  ratio: 'as "baseline * k"',
  offset: 'as "baseline + x" or "baseline - x"',
  absolute: 'with a plain number',
  control: 'as "control + x pt"',
  within: 'as "within baseline +/- x %"',
};

export type MetricRule = {
  readonly aggregates: readonly Aggregate[];
  readonly source: EvidenceSource;
  readonly limits: readonly LimitKind[];
  /** Units that may follow an offset or absolute limit; the first is the default. */
  readonly units: readonly string[];
  /** Filters that the metric understands. */
  readonly filters: readonly ('class' | 'size')[];
  /** `rate(x, frames)`: what it is counted per. */
  readonly per?: 'frames' | 'tracks' | 'frames_k';
  /** Written without an aggregate: `cost_per_defect`. */
  readonly isBare?: true | undefined;
  /** Modes of a stage in which it is judged. Latency of a shadow is contended, so it is not judged there. */
  readonly modes: readonly ('golden' | 'shadow' | 'serve')[];
  /** The direction in which the metric gets worse; the limit must point against it. */
  readonly worse: 'higher' | 'lower';
  readonly title: string;
  /** Unit in which values are shown. */
  readonly unit: string;
};

const SERVE = ['serve'] as const;
const LIVE = ['shadow', 'serve'] as const;
const EVERYWHERE = ['golden', 'shadow', 'serve'] as const;

const latency: Omit<MetricRule, 'title'> = {
  aggregates: ['p50', 'p95', 'p99'],
  source: 'self',
  limits: ['ratio', 'absolute'],
  units: ['ms'],
  filters: [],
  modes: SERVE,
  worse: 'higher',
  unit: 'ms',
};

const paired: Omit<MetricRule, 'title'> = {
  aggregates: ['rate'],
  source: 'paired',
  limits: ['absolute'],
  units: ['%'],
  filters: ['class'],
  modes: LIVE,
  worse: 'higher',
  unit: '%',
};

const rate: Omit<MetricRule, 'title' | 'modes'> = {
  aggregates: ['rate'],
  source: 'self',
  limits: ['absolute', 'ratio', 'control'],
  units: ['%'],
  filters: [],
  per: 'frames',
  worse: 'higher',
  unit: '%',
};

/** What a machine reads of itself; one without the sensor gives no evidence. */
const sensor: Omit<MetricRule, 'title' | 'worse' | 'unit'> = {
  aggregates: ['mean'],
  source: 'self',
  limits: ['offset', 'absolute'],
  units: ['pt', '%'],
  filters: [],
  modes: SERVE,
};

const golden: Omit<MetricRule, 'title' | 'filters'> = {
  aggregates: ['golden'],
  source: 'golden',
  limits: ['offset', 'absolute'],
  units: ['pt', '%'],
  modes: EVERYWHERE,
  worse: 'lower',
  unit: 'pt',
};

/** Money and people's time, compared as ratios: what disturbs them multiplies. */
const business: Omit<MetricRule, 'title' | 'unit'> = {
  aggregates: ['mean'],
  source: 'business',
  limits: ['ratio', 'within'],
  units: ['%'],
  filters: [],
  isBare: true,
  modes: SERVE,
  worse: 'higher',
};

export const METRICS = {
  latency_ms: { ...latency, title: 'latency' },
  run_ms: { ...latency, title: 'model run latency' },
  cold_start_ms: { ...latency, source: 'probe', limits: ['ratio'], modes: EVERYWHERE, title: 'cold start' },
  fps: {
    aggregates: ['mean'],
    source: 'self',
    limits: ['ratio', 'absolute'],
    units: ['fps'],
    filters: [],
    modes: SERVE,
    worse: 'lower',
    title: 'frames per second',
    unit: 'fps',
  },
  soc_temp_c: {
    aggregates: ['mean'],
    source: 'self',
    limits: ['offset', 'absolute'],
    units: ['C', 'pt'],
    filters: [],
    modes: SERVE,
    worse: 'higher',
    title: 'temperature',
    unit: 'C',
  },
  detections_per_frame: {
    aggregates: ['mean'],
    source: 'self',
    limits: ['within', 'ratio'],
    units: ['%'],
    filters: ['class'],
    modes: SERVE,
    worse: 'higher',
    title: 'detections per frame',
    unit: '%',
  },
  confidence: {
    ...sensor,
    limits: ['within', 'ratio'],
    units: ['%'],
    worse: 'lower',
    title: 'mean confidence',
    unit: '%',
  },
  flicker: { ...rate, limits: ['ratio', 'within'], per: 'tracks', modes: SERVE, title: 'flicker' },
  empty: { ...rate, limits: ['ratio', 'within'], modes: SERVE, title: 'empty frames' },
  battery_pct: { ...sensor, aggregates: ['mean', 'slope'], worse: 'lower', title: 'battery', unit: 'pt' },
  cpu_load_pct: { ...sensor, worse: 'higher', title: 'processor load', unit: 'pt' },
  power_w: { ...sensor, limits: ['ratio', 'absolute'], units: ['W'], worse: 'higher', title: 'power', unit: 'W' },
  rss_mb: { ...sensor, limits: ['ratio', 'absolute'], units: ['MB'], worse: 'higher', title: 'memory', unit: 'MB' },
  errors: { ...rate, modes: LIVE, title: 'error rate' },
  dropped: { ...rate, modes: SERVE, title: 'dropped frames' },
  lost: { ...paired, title: 'confident detections lost' },
  gained: { ...paired, title: 'confident detections gained' },
  wrong_class: { ...paired, title: 'wrong class' },
  shadow_disagreement: { ...paired, aggregates: ['mean', 'rate'], title: 'disagreement on the same frames' },
  border_share: {
    isBare: true,
    aggregates: ['mean'],
    source: 'paired',
    limits: ['offset'],
    units: ['pt'],
    filters: [],
    modes: LIVE,
    worse: 'higher',
    title: 'border share',
    unit: 'pt',
  },
  recall: { ...golden, filters: ['class', 'size'], title: 'golden recall' },
  precision: { ...golden, filters: ['class', 'size'], title: 'golden precision' },
  map50: { ...golden, filters: ['class'], title: 'golden mAP50' },
  iou: { ...golden, filters: ['class', 'size'], title: 'golden IoU' },
  false_alerts: {
    ...business,
    aggregates: ['rate'],
    per: 'frames_k',
    isBare: undefined,
    title: 'false alerts per 1000 frames',
    unit: '%',
  },
  cost_per_defect: { ...business, title: 'cost per defect caught', unit: '%' },
  cost_per_1k: { ...business, title: 'cost per 1000 inferences', unit: '%' },
  throughput: { ...business, worse: 'lower', title: 'parts per hour', unit: '%' },
  confidence_js: {
    ...sensor,
    aggregates: ['js'],
    limits: ['absolute'],
    units: [''],
    worse: 'higher',
    title: 'distance of confidences (JS)',
    unit: '',
  },
  incidents: {
    aggregates: [],
    source: 'incident',
    limits: ['ratio'],
    units: ['x'],
    filters: [],
    modes: LIVE,
    worse: 'higher',
    title: 'incidents',
    unit: '',
  },
} as const satisfies Readonly<Record<string, MetricRule>>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** Metrics that are written without an aggregate. */
export const BARE_METRICS = METRIC_NAMES.filter((name) => metricRule(name).isBare);

export function metricRule(metric: MetricName): MetricRule {
  return METRICS[metric];
}
