// What the device page shows of a device: series with their limits, facts in words, and why an action cannot be done.

import { endpoint } from '../../../../shared/protocol/address.ts';
import type { DeviceWindows, SeriesPoint } from '../../../../shared/protocol/api-device-windows.ts';
import type { DeviceDocument, StoredEvent } from '../../../../shared/protocol/api-devices.ts';
import type { Desired } from '../../../../shared/protocol/documents.ts';
import type { DeviceEvent, Reported } from '../../../../shared/protocol/reports.ts';
import type { DeviceAddress } from '../../../../shared/protocol/topics.ts';
import { type StripLimit, type StripMark, type StripPoint, shownRange } from '../../charts/strip-columns.ts';
import { countText } from '../parts/words.ts';

export const RANGES = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 } as const;
export type RangeName = keyof typeof RANGES;

export function rangeOf(text: string | undefined): RangeName {
  return text !== undefined && Object.hasOwn(RANGES, text) ? (text as RangeName) : '24h';
}

/** Rounded, so that the address changes once a minute and not with every look. */
export function windowsAt(where: DeviceAddress, range: RangeName, nowMs: number) {
  const toMs = Math.ceil(nowMs / 60_000) * 60_000;
  return endpoint('GET /v1/devices/:site/:device/windows', { ...where, from: toMs - RANGES[range], to: toMs });
}

/** As fine as there is room for, where most of the time asked for has nothing; null: what was read is fine enough. */
export function finerAt(
  where: DeviceAddress,
  { fromMs, toMs, points }: Pick<DeviceWindows, 'fromMs' | 'toMs' | 'points'>,
): ReturnType<typeof windowsAt> | null {
  const [shownMs] = shownRange([fromMs, toMs], points[0]?.atMs ?? null);
  // A point stands for some time before it, too.
  const sinceMs = Math.floor((shownMs - (shownMs - fromMs) / 100) / 60_000) * 60_000;
  if (shownMs === fromMs) return null;
  return endpoint('GET /v1/devices/:site/:device/windows', { ...where, from: Math.max(fromMs, sinceMs), to: toMs });
}

export type StripFacts = {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly StripPoint[];
  readonly limit: StripLimit | null;
};

export function stripsOf({ points }: DeviceWindows, limits: Desired['limits'] | null): readonly StripFacts[] {
  const pick = (read: (point: SeriesPoint) => number | null): readonly StripPoint[] =>
    points.map((point) => ({ atMs: point.atMs, value: read(point) }));
  return [
    { title: 'FPS', unit: 'frames/s', points: pick(({ fps }) => fps), limit: limitOf(limits?.fpsFloor, 'below', '/s') },
    {
      title: 'p95 latency',
      unit: 'ms',
      points: points.map(({ atMs, p95Ms, role }) => ({ atMs, value: p95Ms, isJudged: role === 'candidate' })),
      limit: latencyLimit(points, limits),
    },
    {
      title: 'Temperature',
      unit: '°C',
      points: pick(({ temperatureC }) => temperatureC),
      limit: limitOf(limits?.temperatureCeilingC, 'above', ' °C'),
    },
    {
      title: 'Battery',
      unit: '%',
      points: pick(({ batteryPct }) => batteryPct),
      limit: limitOf(limits?.batteryFloorPct, 'below', ' %'),
    },
  ];
}

function limitOf(value: number | null | undefined, bad: StripLimit['bad'], unit: string): StripLimit | null {
  return value == null ? null : { value, bad, label: `${value}${unit}` };
}

/** A candidate is held against the device's own baseline: the middle of what that took in this time. */
function latencyLimit(points: readonly SeriesPoint[], limits: Desired['limits'] | null): StripLimit | null {
  const own = points.flatMap(({ role, p95Ms }) => (role === 'baseline' && p95Ms !== null ? [p95Ms] : []));
  const middle = own.sort((a, b) => a - b)[Math.floor(own.length / 2)];
  if (middle === undefined || limits?.latencyRatio == null) return null;
  const value = middle * limits.latencyRatio;
  return {
    value,
    bad: 'above',
    label: `${value.toFixed(0)} ms (${limits.latencyRatio} × own baseline, for a candidate)`,
  };
}

/** The first change only says what answered when the range began. */
export function marksOf({ changes }: DeviceWindows): readonly StripMark[] {
  return changes.slice(1).map(({ atMs, release, role }) => ({
    atMs,
    label: role === 'candidate' ? `${shortRelease(release)} candidate` : shortRelease(release),
  }));
}

/** `detector:2.0.0+data=x` → `2.0.0`. */
export function shortRelease(release: string): string {
  return /:([^+]+)/.exec(release)?.[1] ?? release;
}

export type ReleaseRow = { readonly what: string; readonly release: string; readonly says: string };

/** Assigned against running against committed, each with its reason. */
export function releaseRows({
  desired,
  reported,
}: Pick<DeviceDocument, 'desired' | 'reported'>): readonly ReleaseRow[] {
  const none = 'none';
  const candidate = desired?.candidate ?? null;
  return [
    {
      what: 'Assigned baseline',
      release: desired?.baseline.release ?? none,
      says:
        desired === null
          ? 'nothing is desired of it'
          : `generation ${desired.generation}; the device has ${reported?.generation ?? 'none'}`,
    },
    {
      what: 'Assigned candidate',
      release: candidate?.release ?? none,
      says:
        candidate === null
          ? 'no rollout'
          : `to ${candidate.role}, rollout ${candidate.rolloutId}, stage ${candidate.stage}`,
    },
    {
      what: 'Running',
      release: reported?.serving?.release ?? none,
      says:
        reported === null
          ? 'it has not reported'
          : `${reported.servingBecause}; ${countText(reported.servedFrames, 'frame')}`,
    },
    { what: 'Committed', release: reported?.committed?.release ?? none, says: 'what it goes back to' },
    { what: 'Before that', release: reported?.previous?.release ?? none, says: 'where it falls when that fails too' },
  ];
}

export type Fact = readonly [name: string, value: string];

export function hardwareFacts({ hardwareClass, line, reported }: DeviceDocument): readonly Fact[] {
  const { hardware = null, provider = null, agentVersion = null } = reported ?? {};
  const facts: (readonly [string, string | null])[] = [
    ['Hardware class', hardwareClass],
    ['Line', line],
    ['Model', hardware?.model ?? null],
    ['Board support', hardware?.boardSupport ?? null],
    ['CPU', hardware?.cpu == null ? null : `${hardware.cpu}, ${hardware.cores ?? '?'} cores`],
    ['GPU', hardware?.gpu ?? null],
    ['Memory', hardware?.memoryBytes == null ? null : bytesText(hardware.memoryBytes)],
    ['System', [hardware?.os, hardware?.kernel].filter((text) => text != null).join(', ') || null],
    ['Agent', agentVersion],
    ['Provider', provider === null ? null : providerText(provider)],
    ['Memory limit', memoryText(reported?.memoryLimit)],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

function providerText({ asked, used }: { readonly asked: string; readonly used: string }): string {
  return asked === used ? used : `${used}; asked for ${asked}`;
}

function memoryText(limit: Reported['memoryLimit']): string | null {
  if (limit === undefined) return null;
  return limit.enforced ? 'enforced' : `not enforced: ${limit.reason}`;
}

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** step;
  return `${value >= 100 || step === 0 ? value.toFixed(0) : value.toFixed(1)} ${units[step]}`;
}

/** Why a quarantine cannot be lifted now; null when it can. */
export function whyNoLift({ reported, desired }: Pick<DeviceDocument, 'reported' | 'desired'>): string | null {
  if ((reported?.quarantine.length ?? 0) === 0) return 'Nothing is in quarantine here.';
  return desired === null ? 'Nothing is desired of it yet, so no order can say it.' : null;
}

const BAD_EVENTS: ReadonlySet<string> = new Set([
  'reverted',
  'breach',
  'crash',
  'quarantined',
  'download-failed',
  'document-refused',
  'camera-lost',
  'spool-dropped',
  'disk-fault',
  'lease-lapsed',
  'halted',
]);

export function isBad({ event }: StoredEvent): boolean {
  return BAD_EVENTS.has(event.kind);
}

/** Reason, with what was measured. */
export function eventText({ reason, effectMs, gapMs }: Pick<DeviceEvent, 'reason' | 'effectMs' | 'gapMs'>): string {
  const measured = effectMs ?? gapMs;
  return measured === undefined ? reason : `${reason} (${Math.round(measured)} ms until the baseline answered)`;
}

/** How often its spool was full, among these events. */
export function spoolDrops(events: readonly StoredEvent[]): number {
  return events.filter(({ event }) => event.kind === 'spool-dropped').length;
}
