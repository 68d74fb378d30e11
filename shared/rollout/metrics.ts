// What a guardrail may measure, in one table: how it is written, what it may be compared with, and where its evidence comes from.

export const AGGREGATES = ['p50', 'p95', 'p99', 'mean', 'rate', 'golden'] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/** How the limit may be written: `baseline * k`, `baseline +/- x`, a plain number, `within baseline +/- x %`. */
export type LimitKind = 'ratio' | 'offset' | 'absolute' | 'within';

/**
 * Where evidence comes from. `self`: the device against its own past, controls subtracted. `paired`: both releases on
 * the same frames (shadow). `golden`: labelled frames on the device. `incident`: events; has no expression.
 */
export type EvidenceSource = 'self' | 'paired' | 'golden' | 'incident';

export type MetricRule = {
  readonly aggregates: readonly Aggregate[];
  readonly source: EvidenceSource;
  readonly limits: readonly LimitKind[];
  /** Units that may follow an offset or absolute limit; the first is the default. */
  readonly units: readonly string[];
  /** Filters that the metric understands. */
  readonly filters: readonly ('class' | 'size')[];
  /** `rate(x, frames)`: what it is counted per. */
  readonly per?: 'frames';
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
  limits: ['absolute', 'ratio'],
  units: ['%'],
  filters: [],
  per: 'frames',
  worse: 'higher',
  unit: '%',
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

export const METRICS = {
  latency_ms: { ...latency, title: 'latency' },
  run_ms: { ...latency, title: 'model run latency' },
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
    units: ['C'],
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
  errors: { ...rate, modes: LIVE, title: 'error rate' },
  dropped: { ...rate, modes: SERVE, title: 'dropped frames' },
  lost: { ...paired, title: 'confident detections lost' },
  gained: { ...paired, title: 'confident detections gained' },
  wrong_class: { ...paired, title: 'wrong class' },
  border_share: {
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

export function metricRule(metric: MetricName): MetricRule {
  return METRICS[metric];
}
