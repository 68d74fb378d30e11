// What metrics keep of the fleet: a few figures of each device's newest report and window, in memory, whatever their size.
// Summed up by site, hardware class and release when somebody asks; a device has no label of its own.
import { decodeSketch, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { addressKey, type DevicePresence } from '../devices/presence.ts';
import type { Arrival } from '../telemetry/arrivals.ts';
import { type Labels, type MetricName, type Sample, sample } from './catalogue.ts';

type Figures = { readonly fps: number | null; readonly p95S: number | null; readonly temperatureC: number | null };
type Serving = Figures & { readonly model_version: string; readonly role: string };

type Group = { readonly labels: Labels; readonly arms: Figures[] };

type Known = {
  readonly hw: string;
  readonly condition: 'halted' | 'killed' | 'reverted' | 'blocked' | 'ok' | null;
  readonly boot: string;
  readonly seq: number;
  readonly arms: readonly Serving[];
};

/** Sites × hardware classes × releases × roles; what lies beyond is told as site `other`. */
const GROUPS_MAX = 1000;
const WENT_BACK: ReadonlySet<string> = new Set(['quarantined', 'breached', 'flapping']);
const UNKNOWN: Known = { hw: 'unknown', condition: null, boot: '', seq: 0, arms: [] };

export class FleetBook {
  readonly #known = new Map<string, Known>();
  readonly #counted = new Map<string, Sample>();

  /** Window → how long after its end it came; null for everything else, and for a window that came before. */
  heard(arrival: Arrival, nowMs: number): number | null {
    const key = addressKey(arrival);
    const known = this.#known.get(key) ?? UNKNOWN;
    if (arrival.channel === 'hello') this.#known.set(key, { ...known, hw: arrival.document.hardwareClass });
    if (arrival.channel === 'reported') this.restore(arrival, arrival.document);
    if (arrival.channel !== 'window') return null;
    const { boot, seq, hardwareClass: hw, endAtMs } = arrival.document;
    if (boot === known.boot && seq <= known.seq) return null;
    this.#known.set(key, { ...known, hw, boot, seq, arms: armsOf(arrival.document) });
    this.#count(arrival.document);
    return Math.max(0, nowMs - endAtMs);
  }

  restore(address: DeviceAddress, reported: Reported): void {
    const known = this.#known.get(addressKey(address)) ?? UNKNOWN;
    this.#known.set(addressKey(address), { ...known, hw: reported.hardwareClass, condition: conditionOf(reported) });
  }

  samples(devices: readonly DevicePresence[], isOnline: (device: DevicePresence) => boolean): readonly Sample[] {
    const told: Sample[] = [];
    const groups = new Map<string, Group>();
    for (const device of devices) {
      const known = this.#known.get(addressKey(device)) ?? UNKNOWN;
      const place = { site: device.site, hw: known.hw };
      const online = isOnline(device);
      const condition = online ? (known.condition ?? 'unknown') : 'offline';
      told.push(sample('belay_devices', 1, { ...place, condition }));
      told.push(sample('belay_devices_online', online ? 1 : 0, place));
      told.push(sample('belay_devices_behind', online && isBehind(device) ? 1 : 0, place));
      if (online) for (const arm of known.arms) addToGroup(groups, place, arm);
    }
    return [...told, ...[...groups.values()].flatMap(tellGroup), ...this.#counted.values()];
  }

  #count({ site, hardwareClass: hw, arms }: Window): void {
    this.#add('belay_windows_ingested_total', 1, { site });
    for (const { release, role, answered, errors } of arms) {
      const labels = { site, hw, model_version: release, role };
      this.#add('belay_frames_answered_total', answered, labels);
      const failed = Object.values(errors).reduce((sum, count) => sum + count, 0);
      this.#add('belay_frame_errors_total', failed, labels);
    }
  }

  #add(name: MetricName, value: number, labels: Labels): void {
    const key = [name, ...Object.values(labels)].join('\n');
    const known = this.#counted.get(key);
    if (known === undefined && this.#counted.size >= GROUPS_MAX * 3) return;
    this.#counted.set(key, sample(name, (known?.value ?? 0) + value, labels));
  }
}

function addToGroup(groups: Map<string, Group>, place: Labels, { fps, p95S, temperatureC, ...which }: Serving): void {
  const labels = { ...place, ...which };
  const key = Object.values(labels).join('\n');
  const isFull = groups.size >= GROUPS_MAX;
  const group: Group = groups.get(key) ?? { labels: isFull ? { ...labels, site: 'other' } : labels, arms: [] };
  group.arms.push({ fps, p95S, temperatureC });
  groups.set(key, group);
}

function isBehind({ desiredGeneration, generation, isInForce }: DevicePresence): boolean {
  return desiredGeneration !== null && (!isInForce || generation < desiredGeneration);
}

/** Worst first where several fit. */
function conditionOf({ phase, kills, quarantine, blocked, candidate }: Reported): NonNullable<Known['condition']> {
  if (phase === 'halted') return 'halted';
  if (kills.length > 0) return 'killed';
  const isReverted =
    quarantine.some(({ digest }) => digest === candidate?.digest) || blocked.some(({ kind }) => WENT_BACK.has(kind));
  if (isReverted) return 'reverted';
  return blocked.length > 0 ? 'blocked' : 'ok';
}

function armsOf({ arms, sensors }: Window): readonly Serving[] {
  return arms
    .filter(({ activeMs }) => activeMs > 0)
    .map((arm) => ({
      model_version: arm.release,
      role: arm.role,
      fps: arm.answered / (arm.activeMs / 1000),
      p95S: p95Of(arm),
      temperatureC: sensors.temperatureC,
    }));
}

function p95Of({ latencyMs }: Arm): number | null {
  const sketch = decodeSketch(latencyMs);
  const value = sketch && quantile(sketch, 0.95);
  return value === null ? null : value / 1000;
}

function tellGroup({ labels, arms }: Group): Sample[] {
  const across = (name: MetricName, values: readonly (number | null)[], worst: 'low' | 'high'): Sample[] => {
    const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
    const median = sorted[Math.floor((sorted.length - 1) / 2)];
    const last = worst === 'low' ? sorted[0] : sorted.at(-1);
    if (median === undefined || last === undefined) return [];
    return [sample(name, median, { ...labels, across: 'median' }), sample(name, last, { ...labels, across: 'worst' })];
  };
  return [
    sample('belay_devices_serving', arms.length, labels),
    ...across(
      'belay_frames_per_second',
      arms.map(({ fps }) => fps),
      'low',
    ),
    ...across(
      'belay_latency_p95_seconds',
      arms.map(({ p95S }) => p95S),
      'high',
    ),
    ...across(
      'belay_temperature_celsius',
      arms.map(({ temperatureC }) => temperatureC),
      'high',
    ),
  ];
}
