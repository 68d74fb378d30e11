// Whether the frame loop lives, told by what it does: frames come and each is answered or dropped, and the control loop
// ticks. Pure; knows nothing of systemd.

/** Read off the loops now and then. */
export type PulseFacts = {
  readonly nowMs: number;
  /** Since the start, without frames that gave way to newer ones: handed over by a camera, and answered or dropped. */
  readonly offered: number;
  readonly settled: number;
  /** Turns of the control loop's timer since the start. */
  readonly ticks: number;
};

export type Pulse = {
  readonly settled: number;
  readonly ticks: number;
  readonly tickedAtMs: number;
  /** When the loop began to owe an answer without having settled anything since; null while it owes none. */
  readonly owedSinceMs: number | null;
};

export type Life = { readonly kind: 'alive' } | { readonly kind: 'wedged'; readonly reason: string };

export function firstPulse({ nowMs, offered, settled, ticks }: PulseFacts): Pulse {
  return { settled, ticks, tickedAtMs: nowMs, owedSinceMs: offered > settled ? nowMs : null };
}

export function nextPulse(pulse: Pulse, { nowMs, offered, settled, ticks }: PulseFacts): Pulse {
  const hasMoved = settled !== pulse.settled || pulse.owedSinceMs === null;
  const owedSinceMs = offered <= settled ? null : hasMoved ? nowMs : pulse.owedSinceMs;
  return { settled, ticks, owedSinceMs, tickedAtMs: ticks === pulse.ticks ? pulse.tickedAtMs : nowMs };
}

/** A camera that gives nothing owes nothing: only frames that came, and the timer, can accuse the loop. */
export function judgePulse({ owedSinceMs, tickedAtMs }: Pulse, nowMs: number, stuckMs: number): Life {
  if (nowMs - tickedAtMs > stuckMs)
    return { kind: 'wedged', reason: `the control loop has not ticked for ${Math.round(nowMs - tickedAtMs)} ms` };
  if (owedSinceMs !== null && nowMs - owedSinceMs > stuckMs)
    return {
      kind: 'wedged',
      reason: `frames came and none was answered or dropped for ${Math.round(nowMs - owedSinceMs)} ms`,
    };
  return { kind: 'alive' };
}
