// Samples and histograms as the text that Prometheus reads. Samples become OpenTelemetry data here instead of observable
// instruments: those go on telling label sets that nobody observes any more, such as a rollout that has ended.
import { ValueType } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  MeterProvider,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import { METRICS, type MetricName, type Sample } from './catalogue.ts';

export type Histograms = {
  readonly ingestLag: (seconds: number) => void;
  readonly tick: (seconds: number) => void;
  readonly killEffect: (seconds: number) => void;
  readonly killRoundTrip: (seconds: number) => void;
};

export type Page = {
  readonly histograms: Histograms;
  write(samples: readonly Sample[]): Promise<string>;
  close(): Promise<void>;
};

export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const SCOPE = { name: 'belay' };
const KILL_BUCKETS_S = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300];
const LAG_BUCKETS_S = [0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86_400];
const TICK_BUCKETS_S = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function openPage(): Page {
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    withoutScopeInfo: true,
    withoutTargetInfo: true,
  });
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter(SCOPE.name);
  const histogram = (name: MetricName, explicitBucketBoundaries: number[]) => {
    const made = meter.createHistogram(name, { description: METRICS[name].help, advice: { explicitBucketBoundaries } });
    return (seconds: number) => made.record(seconds);
  };
  // Its own server never starts: the text is asked for over our HTTP, so it is written here.
  const serializer = new PrometheusSerializer('', false, undefined, true, true);
  return {
    histograms: {
      ingestLag: histogram('belay_ingest_lag_seconds', LAG_BUCKETS_S),
      tick: histogram('belay_tick_duration_seconds', TICK_BUCKETS_S),
      killEffect: histogram('belay_kill_effect_seconds', KILL_BUCKETS_S),
      killRoundTrip: histogram('belay_kill_round_trip_seconds', KILL_BUCKETS_S),
    },
    write: async (samples) => {
      const { resourceMetrics } = await exporter.collect();
      const told = { scope: SCOPE, metrics: dataOf(samples) };
      return serializer.serialize({ ...resourceMetrics, scopeMetrics: [...resourceMetrics.scopeMetrics, told] });
    },
    close: () => provider.shutdown(),
  };
}

/** One entry for each metric of the catalogue, also where nothing is known of it: its name and meaning are always told. */
function dataOf(samples: readonly Sample[]): MetricData[] {
  const byName = Map.groupBy(samples, ({ name }) => name);
  return Object.keys(METRICS).flatMap((key): MetricData[] => {
    const name = key as MetricName;
    const metric = METRICS[name];
    if (metric.kind === 'histogram') return [];
    const head = {
      descriptor: { name, description: metric.help, unit: '', valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints: pointsOf(byName.get(name) ?? [], metric.combine),
    };
    return metric.kind === 'counter'
      ? [{ ...head, dataPointType: DataPointType.SUM, isMonotonic: true }]
      : [{ ...head, dataPointType: DataPointType.GAUGE }];
  });
}

/** Two samples of the same labels would make the whole page unreadable: they are one. */
function pointsOf(samples: readonly Sample[], combine: 'sum' | 'max'): DataPoint<number>[] {
  const points = new Map<string, DataPoint<number>>();
  for (const { labels, value } of samples) {
    const key = JSON.stringify(labels);
    const known = points.get(key);
    const both = known === undefined ? value : combine === 'sum' ? known.value + value : Math.max(known.value, value);
    points.set(key, { attributes: labels, value: both, startTime: [0, 0], endTime: [0, 0] });
  }
  return [...points.values()];
}
