// How much longer a candidate takes to start than the baseline on the same device: from the starts that each device has measured.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { DeviceChange } from './device-change.ts';
import { startChange, sum } from './device-metrics.ts';
import type { GoldenDevice } from './golden-evidence.ts';
import { scatterOf } from './scatter.ts';

export type ProbeChanges = {
  readonly candidates: readonly DeviceChange[];
  /** Devices with as many starts of each release as are asked for. */
  readonly evaluated: number;
  readonly starts: number;
};

export function probeChanges({ expression, minimum }: Guardrail, devices: readonly GoldenDevice[]): ProbeChanges {
  const started = devices.filter(({ isCandidate }) => isCandidate);
  const candidates = started.flatMap(({ site = '', device, hardwareClass, coldStarts }): DeviceChange[] => {
    const [own, past] = [coldStarts?.candidate ?? [], coldStarts?.baseline ?? []];
    const change = startChange(own, past, expression);
    const logs = (values: readonly number[]) => scatterOf(values.filter((ms) => ms > 0).map(Math.log));
    if (change === null) return [];
    return [{ site, device, hardwareClass, change, since: logs(own), before: logs(past) }];
  });
  const least = minimum.probesPerDevice ?? 1;
  const evaluated = started.filter(
    ({ coldStarts }) => Math.min(coldStarts?.candidate.length ?? 0, coldStarts?.baseline.length ?? 0) >= least,
  ).length;
  return { candidates, evaluated, starts: sum(candidates, ({ since }) => since.windows) };
}
