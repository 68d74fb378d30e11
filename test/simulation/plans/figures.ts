// What people would bring in of a simulated device: by the shift, defects caught and what that cost, alerts and what reviews said of
// them. The same question gives the same figures.
import type { BusinessRecord } from '../../../shared/measure/business.ts';
import type { Placed } from './candidate.ts';

const SHIFT_MS = 4 * 3_600_000;
const BEFORE_SHIFTS = 6;
const USUAL = {
  frames: 144_000,
  alerts: 200,
  reviewed: 120,
  falseAlerts: 36,
  defectsCaught: 60,
  costOfOne: 7.5,
} as const;
/** Of each figure, from shift to shift. */
const SPREAD = 0.05;

export type FigureTimes = {
  readonly startMs: number;
  readonly nowMs: number;
  /** Null: it is on its baseline. */
  readonly servesSinceMs: number | null;
};

/** Every whole shift from a day before the start until now. */
export function figuresOf({ device, random, candidate }: Placed, times: FigureTimes): readonly BusinessRecord[] {
  const { startMs, nowMs, servesSinceMs } = times;
  const firstMs = startMs - BEFORE_SHIFTS * SHIFT_MS;
  return Array.from({ length: Math.floor((nowMs - firstMs) / SHIFT_MS) }, (_, at) => {
    const fromMs = firstMs + at * SHIFT_MS;
    const change =
      servesSinceMs !== null && fromMs >= servesSinceMs ? candidate.business : { costShare: 0, falseAlertShare: 0 };
    const chance = random.fork(`shift/${at}`);
    const spread = () => 1 + chance.between(-SPREAD, SPREAD);
    const defectsCaught = Math.round(USUAL.defectsCaught * spread());
    return {
      ...{ site: device.site, device: device.device, line: null, fromMs, toMs: fromMs + SHIFT_MS },
      ...{ frames: USUAL.frames, alerts: USUAL.alerts, reviewed: USUAL.reviewed, defectsCaught, parts: null },
      falseAlerts: Math.round(USUAL.falseAlerts * spread() * (1 + change.falseAlertShare)),
      cost: defectsCaught * USUAL.costOfOne * spread() * (1 + change.costShare),
    };
  });
}
