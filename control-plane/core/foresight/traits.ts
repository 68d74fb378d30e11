// What is known of a device that could tell candidates from controls: what it is made of, and how it did on its baseline.
import type { Window } from '../../../shared/measure/window.ts';
import { rememberTotals } from '../device-totals.ts';
import { type Sample, whyExcluded } from '../history.ts';
import type { Traits } from './parity.ts';
import type { RecordedDevice } from './recorded.ts';

/** Of its recorded windows; all null without any. */
export function recordedTraits({ windows, baselineDigest }: RecordedDevice): Traits {
  const samples = windows
    .filter((window) => whyExcluded(window) === null)
    .flatMap((each) => sampleOf(each, baselineDigest));
  if (samples.length === 0) return {};
  const totals = rememberTotals().of(samples);
  const minutes = totals.durationMs / 60_000;
  return {
    'baseline p95, ms': totals.quantile('latency', 0.95),
    'frames per minute': minutes === 0 ? null : totals.frames / minutes,
    'errors, %': totals.frames === 0 ? null : (100 * totals.errors) / totals.frames,
    'temperature, °C': totals.temperatures === 0 ? null : totals.temperatureSum / totals.temperatures,
    'detections per frame': totals.answered === 0 ? null : totals.detections / totals.answered,
    cameras: camerasOf(samples),
  };
}

function sampleOf(window: Window, digest: string): readonly Sample[] {
  const arm = window.arms.find((each) => each.digest === digest && each.role === 'baseline' && each.frames > 0);
  return arm ? [{ window, arm }] : [];
}

function camerasOf(samples: readonly Sample[]): number {
  return samples.at(-1)?.window.cameras.length ?? 0;
}
