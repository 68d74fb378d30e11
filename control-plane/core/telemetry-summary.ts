// The figures of an incident: what baseline and candidate did per site and hardware class, sketches merged over devices and
// windows. Shown, never judged.
import { decodeSketch, type LatencySketch, mergeSketches, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { TelemetryRow } from '../../shared/protocol/api-incidents.ts';
import { sum } from './device-metrics.ts';
import { type DeviceHistory, whyExcluded } from './history.ts';

type ArmName = TelemetryRow['arm'];
type Part = { readonly device: string; readonly arm: Arm };
type Group = { readonly site: string; readonly hardwareClass: string; readonly histories: readonly DeviceHistory[] };

const ARMS: readonly ArmName[] = ['before', 'meanwhile', 'candidate', 'shadow'];

/** Windows that began before `untilMs`; rows in order of site, hardware class and arm, without arms that nothing reported. */
export function summariseTelemetry(
  histories: readonly DeviceHistory[],
  candidateDigest: string,
  untilMs: number,
): readonly TelemetryRow[] {
  return groupsOf(histories).flatMap((group) =>
    ARMS.flatMap((name) => {
      const row = rowOf(group, name, { candidateDigest, untilMs });
      return row.windows + row.excluded === 0 ? [] : [row];
    }),
  );
}

function groupsOf(histories: readonly DeviceHistory[]): readonly Group[] {
  const groups = new Map<string, DeviceHistory[]>();
  for (const history of histories) {
    const key = `${history.site}\u0000${history.hardwareClass}`;
    groups.set(key, [...(groups.get(key) ?? []), history]);
  }
  return [...groups.keys()].sort().flatMap((key) => {
    const members = groups.get(key) ?? [];
    const [first] = members;
    return first ? [{ site: first.site, hardwareClass: first.hardwareClass, histories: members }] : [];
  });
}

type Question = { readonly candidateDigest: string; readonly untilMs: number };

function rowOf({ site, hardwareClass, histories }: Group, name: ArmName, question: Question): TelemetryRow {
  const parts: Part[] = [];
  let excluded = 0;
  for (const history of histories) {
    for (const window of windowsOf(history, name, question)) {
      const arm = armIn(window, name, { ...question, baselineDigest: history.baselineDigest });
      if (arm === undefined) continue;
      if (whyExcluded(window) === null) parts.push({ device: history.device, arm });
      else excluded += 1;
    }
  }
  return { site, hardwareClass, arm: name, ...figuresOf(parts), excluded };
}

function windowsOf({ before, since }: DeviceHistory, name: ArmName, { untilMs }: Question): readonly Window[] {
  return name === 'before' ? before : since.filter(({ startAtMs }) => startAtMs < untilMs);
}

function armIn(
  window: Window,
  name: ArmName,
  digests: { readonly candidateDigest: string; readonly baselineDigest: string },
): Arm | undefined {
  const role = name === 'before' || name === 'meanwhile' ? 'baseline' : name;
  const digest = role === 'baseline' ? digests.baselineDigest : digests.candidateDigest;
  return window.arms.find((arm) => arm.role === role && arm.digest === digest && arm.frames > 0);
}

type Figures = Pick<TelemetryRow, 'devices' | 'windows' | 'frames' | 'p50Ms' | 'p95Ms' | 'p99Ms' | 'fps' | 'errors'>;

function figuresOf(parts: readonly Part[]): Figures {
  const sketches = parts.map(({ arm }) => decodeSketch(arm.latencyMs)).filter((sketch) => sketch !== null);
  const merged: LatencySketch = mergeSketches(sketches);
  const activeMs = sum(parts, ({ arm }) => arm.activeMs);
  const answered = sum(parts, ({ arm }) => arm.answered);
  return {
    devices: new Set(parts.map(({ device }) => device)).size,
    windows: parts.length,
    frames: sum(parts, ({ arm }) => arm.frames),
    p50Ms: quantile(merged, 0.5),
    p95Ms: quantile(merged, 0.95),
    p99Ms: quantile(merged, 0.99),
    fps: activeMs > 0 ? (answered * 1000) / activeMs : null,
    errors: sum(parts, ({ arm }) => sum(Object.values(arm.errors), (count) => count)),
  };
}
