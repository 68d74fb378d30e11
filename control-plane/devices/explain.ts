// Why a device does what it does, in sentences for operators. Pure: facts in, text out; most important first.
import type { StoredEvent } from '../../shared/protocol/api-devices.ts';
import type { KillSummary } from '../../shared/protocol/api-kills.ts';
import { asideOf, tellDuty } from '../../shared/protocol/duty.ts';
import type { Reported } from '../../shared/protocol/reports.ts';
import type { Device } from './device.ts';

export type DeviceFacts = {
  readonly device: Device;
  /** Kills in force that reach this device. */
  readonly kills: readonly KillSummary[];
  /** Newest first. */
  readonly events: readonly StoredEvent[];
  /** Whether the release it has committed is registered here. */
  readonly isCommittedRegistered: boolean;
  readonly nowMs: number;
};

const EVENTS_TOLD_MAX = 5;

export type Explanation = { readonly summary: string; readonly sentences: readonly string[] };

export function explainDevice(facts: DeviceFacts): Explanation {
  const { device } = facts;
  const sentences = [
    ...tellDuty(device.duty).map((said) => `It is ${said}.`),
    tellServing(device),
    ...tellProviders(device.reported),
    ...facts.kills.map((kill) => tellKill(kill, device)),
    tellDesired(facts),
    tellLease(device.reported),
    ...tellBlocked(device.reported, facts.nowMs),
    ...tellQuarantine(device, facts.nowMs),
    ...tellRefused(device.reported),
    ...facts.events.slice(0, EVENTS_TOLD_MAX).map((stored) => tellEvent(stored, facts.nowMs)),
    tellAge(device, facts.nowMs),
  ];
  return { summary: summarise(facts), sentences: sentences.filter((sentence) => sentence !== null) };
}

function summarise({ device, kills, nowMs }: DeviceFacts): string {
  const aside = asideOf(device.duty);
  if (aside?.kind === 'retired') return aside.sentence;
  const serving = device.reported?.serving;
  const what = serving ? `answers with ${serving.release}` : 'answers with nothing';
  const state = device.online
    ? what
    : `offline for ${tellSpan(nowMs - device.lastSeenAtMs)}; it ${serving ? 'answered' : 'did not answer'} last ${serving ? `with ${serving.release}` : ''}`.trimEnd();
  const told = aside === null ? state : `${state}; ${aside.sentence}`;
  return kills.length > 0 ? `${told}; ${kills.length} kill${kills.length > 1 ? 's' : ''} in force` : told;
}

function tellServing({ reported }: Device): string {
  if (!reported) return 'It has not reported yet: nothing is known of what it runs.';
  const { serving, servingBecause, servedFrames, phase } = reported;
  if (!serving) return `It answers no frames (${phase}): ${servingBecause}`;
  return `It answers with ${serving.release} because ${servingBecause} (${servedFrames.toLocaleString('en')} ${servedFrames === 1 ? 'frame' : 'frames'} so far).${tellMode(reported)}`;
}

function tellMode({ mode, modeBecause, swapMs }: Reported): string {
  if (mode !== 'cold-baseline') return '';
  const length = swapMs === null ? 'longer' : `${(swapMs / 1000).toFixed(1)} s, as measured here`;
  const because = modeBecause === '' ? '' : ` (${modeBecause})`;
  return ` Its baseline is not kept loaded${because}, so going back takes ${length}.`;
}

/** A release on another provider than it asks for is as fast as that one, and its evidence speaks of that one. */
function tellProviders(reported: Reported | null): readonly string[] {
  if (!reported) return [];
  const { serving, provider, candidate } = reported;
  const isServing = candidate?.digest === serving?.digest;
  const known = [
    { release: serving?.release, provider },
    { release: candidate?.release, provider: isServing ? null : (candidate?.provider ?? null) },
  ];
  return known.flatMap(({ release, provider: one }) =>
    release === undefined || one === null || one.asked === one.used
      ? []
      : [`${release} asks for ${one.asked} and runs on ${one.used}, as its manifest allows.`],
  );
}

function tellKill({ id, reason, actor, scope }: KillSummary, { reported }: Device): string {
  const obeyed = reported?.kills.some((kill) => kill.id === id) ?? false;
  const how = obeyed ? 'It has obeyed.' : 'It has not reported this kill yet.';
  return `Kill ${id} (${scope.kind}) by ${actor} is in force: ${reason}. ${how}`;
}

function tellDesired({ device, isCommittedRegistered }: DeviceFacts): string | null {
  const { desired, reported } = device;
  if (!desired) {
    const committed = reported?.committed;
    if (!committed || isCommittedRegistered) return 'Nothing is desired of it yet.';
    return `Nothing is desired of it: its release ${committed.release} is not registered here. Register that release to manage the device.`;
  }
  const reached = reported?.generation ?? 0;
  const lag = reached >= desired.generation ? 'It has this document.' : `It has reached generation ${reached} only.`;
  const candidate = desired.candidate
    ? `candidate ${desired.candidate.release} to ${desired.candidate.role} (rollout ${desired.candidate.rolloutId}, stage ${desired.candidate.stage})`
    : 'no candidate';
  return `Desired (generation ${desired.generation}): baseline ${desired.baseline.release}, ${candidate}. ${lag}`;
}

/** How long its candidate may go on without us. */
function tellLease(reported: Reported | null): string | null {
  const lease = reported?.lease;
  if (!lease || !reported.candidate) return null;
  const { release } = reported.candidate;
  switch (lease.state) {
    case 'none':
      return `The candidate ${release} needs a lease to answer frames and has none in this boot yet.`;
    case 'running':
      return `The lease of ${release} runs: from its last report it may answer for another ${tellSpan(lease.leftMs)} without hearing from here.`;
    case 'lapsed':
      return `The lease of ${release} has lapsed: the baseline answers until it is renewed. The candidate is not blamed.`;
    case 'held':
      return `The lease of ${release} has lapsed, and this site holds: the candidate goes on answering.`;
  }
}

function tellBlocked(reported: Reported | null, nowMs: number): readonly string[] {
  return (reported?.blocked ?? []).map(
    ({ kind, reason, sinceMs }) => `Blocked (${kind}) for ${tellSpan(nowMs - sinceMs)}: ${reason}`,
  );
}

function tellQuarantine({ site, device, reported }: Device, nowMs: number): readonly string[] {
  const kept = (reported?.quarantine ?? []).map(
    ({ release, kind, reason, sinceMs }) =>
      `${release} is in quarantine here (${kind}) for ${tellSpan(nowMs - sinceMs)}: ${reason}`,
  );
  if (kept.length === 0) return [];
  return [...kept, `It stays there until a person lifts it: belay device lift ${site}/${device} --reason "…"`];
}

function tellRefused(reported: Reported | null): readonly string[] {
  const refused = Object.entries(reported?.refused ?? {}).filter(([, count]) => count > 0);
  if (refused.length === 0) return [];
  const list = refused.map(([kind, count]) => `${count} × ${kind}`).join(', ');
  return [`It refused documents from here since it booted: ${list}.`];
}

function tellEvent({ event, receivedAtMs }: StoredEvent, nowMs: number): string {
  const release = event.release ? ` ${event.release}` : '';
  return `${tellSpan(nowMs - receivedAtMs)} ago: ${event.kind}${release}: ${event.reason}`;
}

function tellAge({ online, lastSeenAtMs, reported }: Device, nowMs: number): string {
  const reportAge = reported ? `; its last report is ${tellSpan(nowMs - reported.atMs)} old by its own clock` : '';
  return `It was heard ${tellSpan(nowMs - lastSeenAtMs)} ago and counts as ${online ? 'online' : 'offline'}${reportAge}.`;
}

/** 4 s, 12 min, 3 h, 5 d. Clocks of devices may run ahead: never less than 0. */
export function tellSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
