// The figures of an incident: what baseline and candidate did per site and hardware class, sketches merged over devices and
// windows. Shown, never judged. Devices are added one after the other: their windows are not needed together.
import { SketchSum } from '../../shared/measure/sketch-sum.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { TelemetryRow } from '../../shared/protocol/api-incidents.ts';
import { sum } from './device-metrics.ts';
import { type DeviceHistory, sampleOf, whyExcluded } from './history.ts';

type ArmName = TelemetryRow['arm'];

const ARMS: readonly ArmName[] = ['before', 'meanwhile', 'candidate', 'shadow'];

export type TelemetrySummary = {
  readonly add: (history: DeviceHistory) => void;
  /** In order of site, hardware class and arm, without arms that nothing reported. */
  readonly rows: () => readonly TelemetryRow[];
};

type Question = {
  readonly candidateDigest: string;
  /** Windows that began before this. */
  readonly untilMs: number;
};

export function openTelemetrySummary(question: Question): TelemetrySummary {
  const groups = new Map<string, Group>();
  return {
    add: (history) => {
      const { site, hardwareClass } = history;
      const key = `${site}\u0000${hardwareClass}`;
      const group = groups.get(key) ?? openGroup(site, hardwareClass);
      groups.set(key, group);
      for (const name of ARMS) addArm(group.arms[name], name, { history, question });
    },
    rows: () =>
      [...groups]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([, group]) => ARMS.map((name) => rowOf(group, name)))
        .filter(({ windows, excluded }) => windows + excluded > 0),
  };
}

type ArmSum = {
  readonly latency: SketchSum;
  readonly counts: Record<'devices' | 'windows' | 'frames' | 'answered' | 'errors' | 'activeMs' | 'excluded', number>;
};
type Group = {
  readonly site: string;
  readonly hardwareClass: string;
  readonly arms: Readonly<Record<ArmName, ArmSum>>;
};

function openGroup(site: string, hardwareClass: string): Group {
  const open = (): ArmSum => ({
    latency: new SketchSum(),
    counts: { devices: 0, windows: 0, frames: 0, answered: 0, errors: 0, activeMs: 0, excluded: 0 },
  });
  return { site, hardwareClass, arms: { before: open(), meanwhile: open(), candidate: open(), shadow: open() } };
}

function addArm(
  sums: ArmSum,
  name: ArmName,
  { history, question }: { readonly history: DeviceHistory; readonly question: Question },
): void {
  const role = name === 'before' || name === 'meanwhile' ? 'baseline' : name;
  const digest = role === 'baseline' ? history.baselineDigest : question.candidateDigest;
  const known = sums.counts.windows;
  for (const window of windowsOf(history, name, question)) {
    const sample = sampleOf(window, digest, role);
    if (sample === null) continue;
    if (whyExcluded(window) === null) addWindow(sums, sample.arm);
    else sums.counts.excluded += 1;
  }
  if (sums.counts.windows > known) sums.counts.devices += 1;
}

function windowsOf({ before, since }: DeviceHistory, name: ArmName, { untilMs }: Question): readonly Window[] {
  return name === 'before' ? before : since.filter(({ startAtMs }) => startAtMs < untilMs);
}

function addWindow({ latency, counts }: ArmSum, arm: Arm): void {
  latency.add(arm.latencyMs);
  counts.windows += 1;
  counts.frames += arm.frames;
  counts.answered += arm.answered;
  counts.errors += sum(Object.values(arm.errors), (count) => count);
  counts.activeMs += arm.activeMs;
}

function rowOf({ site, hardwareClass, arms }: Group, arm: ArmName): TelemetryRow {
  const { latency, counts } = arms[arm];
  const { answered, activeMs, ...shown } = counts;
  return {
    site,
    hardwareClass,
    arm,
    ...shown,
    p50Ms: latency.quantile(0.5),
    p95Ms: latency.quantile(0.95),
    p99Ms: latency.quantile(0.99),
    fps: activeMs > 0 ? (answered * 1000) / activeMs : null,
  };
}
