// What is known of a device that could tell candidates from controls: what it is made of, and how it did on its baseline.
import { totalsOf } from '../device-totals.ts';
import { type Sample, sampleOf, whyExcluded } from '../history.ts';
import type { Traits } from './parity.ts';
import type { RecordedDevice } from './recorded.ts';

/** Of its recorded windows; all null without any. */
export function recordedTraits({ windows, baselineDigest }: RecordedDevice): Traits {
  const samples = windows
    .filter((window) => whyExcluded(window) === null)
    .map((window) => sampleOf(window, baselineDigest, 'baseline'))
    .filter((sample) => sample !== null);
  if (samples.length === 0) return {};
  const totals = totalsOf(samples);
  const { temperatureC } = totals.means;
  const minutes = totals.durationMs / 60_000;
  return {
    'baseline p95, ms': totals.quantile('latency', 0.95),
    'frames per minute': minutes === 0 ? null : totals.frames / minutes,
    'errors, %': totals.frames === 0 ? null : (100 * totals.errors) / totals.frames,
    'temperature, °C': temperatureC.count === 0 ? null : temperatureC.sum / temperatureC.count,
    'detections per frame': totals.answered === 0 ? null : totals.detections / totals.answered,
    cameras: camerasOf(samples),
  };
}

function camerasOf(samples: readonly Sample[]): number {
  return samples.at(-1)?.window.cameras.length ?? 0;
}
