// What the wall keeps of a device: the little of its last report and newest window that is shown, whatever their size.
import { decodeSketch, quantile } from '../../shared/measure/latency-sketch.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';
import type { LiveDevice } from '../../shared/protocol/api-live.ts';
import type { Hello, Reported } from '../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { type Condition, conditionOf, type Pace } from '../core/live-condition.ts';
import { learnUsual, type Usual } from '../core/usual-pace.ts';
import type { DevicePresence } from '../devices/presence.ts';

type Ref = { readonly release: string; readonly digest: string };

export type ReportFacts = Pick<Reported, 'phase' | 'servingBecause'> & {
  readonly serving: Ref | null;
  readonly candidate: { readonly digest: string } | null;
  readonly quarantine: readonly { digest: string; release: string; reason: string; sinceMs: number }[];
  readonly blocked: readonly { readonly kind: string; readonly reason: string }[];
  readonly kills: readonly { readonly id: string; readonly reason: string }[];
};

export type WindowFacts = Pace & {
  readonly atMs: number;
  readonly batteryPct: number | null;
  readonly release: string | null;
  readonly digest: string | null;
  readonly role: 'baseline' | 'candidate' | null;
};

export type DeviceFacts = DeviceAddress & {
  readonly hardwareClass: string | null;
  readonly line: string | null;
  readonly report: ReportFacts | null;
  readonly window: WindowFacts | null;
  readonly usual: Usual | null;
};

export function unknownFacts({ site, device }: DeviceAddress): DeviceFacts {
  return { site, device, hardwareClass: null, line: null, report: null, window: null, usual: null };
}

export function withIdentity(facts: DeviceFacts, { hardwareClass, line }: Pick<Hello, 'hardwareClass' | 'line'>) {
  return { ...facts, hardwareClass, line };
}

/** Only what may become words on the wall; long reasons are cut where they are told. */
const LISTED_MAX = 3;

export function withReport(facts: DeviceFacts, reported: Reported): DeviceFacts {
  const { phase, servingBecause, serving, candidate, quarantine, blocked, kills } = reported;
  const report: ReportFacts = {
    phase,
    servingBecause,
    serving: serving && { release: serving.release, digest: serving.digest },
    candidate: candidate && { digest: candidate.digest },
    quarantine: quarantine
      .slice(-LISTED_MAX)
      .map(({ digest, release, reason, sinceMs }) => ({ digest, release, reason, sinceMs })),
    blocked: blocked.slice(0, LISTED_MAX).map(({ kind, reason }) => ({ kind, reason })),
    kills: kills.slice(0, LISTED_MAX).map(({ id, reason }) => ({ id, reason })),
  };
  return withIdentity({ ...facts, report }, reported);
}

/** A window of the past, from a spool, changes nothing: the newest is shown. */
export function withWindow(facts: DeviceFacts, document: Window): DeviceFacts {
  if (facts.window !== null && document.endAtMs <= facts.window.atMs) return facts;
  const window = readWindow(document);
  const isHabit = window.role === 'baseline' && window.digest !== null && !document.partial;
  const usual = isHabit ? learnUsual(facts.usual, window.digest ?? '', window) : facts.usual;
  return { ...facts, window, usual, hardwareClass: facts.hardwareClass ?? document.hardwareClass };
}

function readWindow({ endAtMs, arms, sensors }: Window): WindowFacts {
  const arm = answeringArm(arms);
  return {
    atMs: endAtMs,
    release: arm?.release ?? null,
    digest: arm?.digest ?? null,
    role: arm === null || arm.role === 'shadow' ? null : arm.role,
    fps: arm !== null && arm.activeMs > 0 ? round(arm.answered / (arm.activeMs / 1000)) : null,
    p95Ms: arm === null ? null : p95Of(arm),
    temperatureC: sensors.temperatureC,
    throttled: sensors.throttled,
    throttleReason: sensors.throttleReasons?.[0] ?? null,
    batteryPct: sensors.batteryPct,
  };
}

/** Of the releases that answered live frames in it, the one that did so longest. */
function answeringArm(arms: readonly Arm[]): Arm | null {
  const answering = arms.filter(({ role }) => role !== 'shadow');
  return answering.reduce<Arm | null>((best, arm) => (best && best.activeMs >= arm.activeMs ? best : arm), null);
}

function p95Of({ latencyMs }: Arm): number | null {
  const sketch = decodeSketch(latencyMs);
  const value = sketch && quantile(sketch, 0.95);
  return value === null ? null : round(value);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export type Surroundings = {
  readonly presence: DevicePresence | null;
  readonly online: boolean;
  readonly isAwaited: boolean;
  readonly pending: readonly { readonly id: string; readonly reason: string }[];
  readonly nowMs: number;
};

export function toLiveDevice(facts: DeviceFacts, around: Surroundings): LiveDevice {
  const { site, device, hardwareClass, line, report, window } = facts;
  const { presence, online } = around;
  return {
    site,
    device,
    hardwareClass,
    line,
    online,
    lastSeenAtMs: presence?.lastSeenAtMs ?? 0,
    ...conditionFor(facts, around),
    release: report?.serving?.release ?? window?.release ?? null,
    role: roleOf(facts, presence),
    fps: window?.fps ?? null,
    p95Ms: window?.p95Ms ?? null,
    temperatureC: window?.temperatureC ?? null,
    batteryPct: window?.batteryPct ?? null,
    windowAtMs: window?.atMs ?? null,
  };
}

function conditionFor({ report, window, usual }: DeviceFacts, around: Surroundings): Condition {
  const { presence, online, isAwaited, pending, nowMs } = around;
  const limits = presence?.desiredLimits ?? null;
  return conditionOf({
    online,
    isAwaited,
    isConnected: presence?.connected ?? false,
    phase: report?.phase ?? null,
    servingBecause: report?.servingBecause ?? '',
    obeyed: report?.kills ?? [],
    pending,
    desiredDigest: presence?.desiredCandidate?.digest ?? null,
    quarantine: report?.quarantine ?? [],
    blocked: report?.blocked ?? [],
    pace: window,
    usual,
    // The floor is for the candidate alone: a baseline below it is nobody's breach.
    fpsFloor: window?.role === 'candidate' ? (limits?.fpsFloor ?? null) : null,
    temperatureCeilingC: limits?.temperatureCeilingC ?? null,
    nowMs,
  });
}

function roleOf({ report }: DeviceFacts, presence: DevicePresence | null): LiveDevice['role'] {
  if (report === null) return null;
  if (report.phase === 'shadow') return 'shadow';
  if (report.serving === null) return null;
  const onTrial = report.candidate?.digest ?? presence?.desiredCandidate?.digest;
  return report.serving.digest === onTrial ? 'candidate' : 'baseline';
}

/** Whether anybody would see a difference. */
export function isSameDevice(a: LiveDevice, b: LiveDevice): boolean {
  return (Object.keys(a) as (keyof LiveDevice)[]).every((key) => a[key] === b[key]);
}
