// Mistakes planted into the agent: each wraps one function of the program, as a plausible change would break it.

import type { CoreEvent } from '../../../agent/core/events.ts';
import { step } from '../../../agent/core/reduce.ts';
import type { CoreState, DurableState, KillTopic } from '../../../agent/core/state.ts';
import type { Flight, Lane } from '../../../agent/frame.ts';
import { FrameLoop } from '../../../agent/frame-loop.ts';
import type { RunnerAnswer } from '../../../agent/inference/inference.ts';
import type { Mutant } from './mutant.ts';

export const AGENT_MUTANTS = {
  'volatile-quarantine': {
    what: 'a quarantine is forgotten at a reboot',
    wiring: { toDisk: (durable) => ({ ...durable, quarantine: [] }) },
  },
  'kill-once': {
    what: 'a kill is obeyed until the next reboot, and its redelivery is taken for old news',
    wiring: { toDisk: (durable) => ({ ...durable, kills: durable.kills.map((kills) => ({ ...kills, entries: [] })) }) },
  },
  'no-epoch': {
    what: 'a kill document of an older epoch is taken',
    wiring: {
      step: (state, event, nowMs) =>
        step(event.kind === 'kill' ? withoutEpoch(state, event.topic) : state, event, nowMs),
    },
  },
  'older-generation': {
    what: 'a desired document of an older generation is taken',
    wiring: {
      step: (state, event, nowMs) =>
        step(event.kind === 'desired' ? withDurable(state, { desired: null }) : state, event, nowMs),
    },
  },
  'unproven-serves': {
    what: 'a release counts as proven as soon as its proof begins',
    wiring: {
      step: (state, event, nowMs) => {
        const turn = step(state, event, nowMs);
        const effects = turn.effects.filter(({ kind }) => kind !== 'prove');
        return { state: withEveryProof(turn.state), effects };
      },
    },
  },
  'persist-after-act': {
    what: 'effects are carried out before the state is on disk',
    wiring: { inOrder: (effects) => effects.toSorted((a, b) => rankOf(a.kind) - rankOf(b.kind)) },
  },
  'attempts-not-counted': {
    what: 'starts of a candidate are not kept over a power cut',
    wiring: { toDisk: (durable) => ({ ...durable, attempts: [] }) },
  },
  'collects-the-fallback': {
    what: 'the garbage collector removes what the device falls back to',
    wiring: {
      inOrder: (effects) =>
        effects.map((effect) =>
          effect.kind === 'collect-garbage' ? { ...effect, keep: effect.keep.slice(1) } : effect,
        ),
    },
  },
  'two-answers': {
    what: 'the late answer of a frame that was rescued is published too',
    wiring: { openFrameLoop: (parts) => new LateAnswers(parts) },
  },
  'no-reroute': {
    what: 'frames in flight stay with the release that has lost its place',
    wiring: { openFrameLoop: (parts) => new NoReroute(parts) },
  },
  'lease-from-arrival': {
    what: 'a lease is counted from its arrival instead of from the hello that it answers',
    wiring: {
      step: (state, event, nowMs) => step(event.kind === 'lease' ? withHellosAt(state, nowMs) : state, event, nowMs),
    },
  },
  'wall-lease': {
    what: 'a lease is measured by the wall clock',
    wiring: { clock: ({ wallMs }) => wallMs },
  },
  'replayed-lease': {
    what: 'a lease is taken without a look at the boot and the hello that it answers',
    wiring: { step: (state, event, nowMs) => step(state, asAnswer(state, event), nowMs) },
  },
  'sleeps-through': {
    what: 'the time in which the box was suspended does not count against a lease',
    wiring: {
      step: (state, event, nowMs) => (event.kind === 'slept' ? { state, effects: [] } : step(state, event, nowMs)),
    },
  },
} satisfies Readonly<Record<string, Mutant>>;

function withDurable(state: CoreState, change: Partial<DurableState>): CoreState {
  return { ...state, durable: { ...state.durable, ...change } };
}

function withoutEpoch(state: CoreState, topic: KillTopic): CoreState {
  return withDurable(state, {
    kills: state.durable.kills.map((kills) =>
      kills.topic === topic ? { ...kills, epoch: 0, documentDigest: '' } : kills,
    ),
  });
}

function withEveryProof(state: CoreState): CoreState {
  const holdings = [...state.holdings].map(
    ([digest, holding]) =>
      [digest, holding.proof === 'proving' ? { ...holding, proof: 'passed' as const } : holding] as const,
  );
  return { ...state, holdings: new Map(holdings) };
}

function withHellosAt(state: CoreState, atMs: number): CoreState {
  const hellos = state.leases.hellos.map((hello) => ({ ...hello, atMs }));
  return { ...state, leases: { ...state.leases, hellos } };
}

function asAnswer(state: CoreState, event: CoreEvent): CoreEvent {
  if (event.kind !== 'lease') return event;
  const nonce = state.leases.hellos.at(-1)?.nonce ?? event.document.nonce;
  return { ...event, document: { ...event.document, boot: state.boot, nonce } };
}

function rankOf(kind: string): number {
  return kind === 'persist' ? 1 : 0;
}

class LateAnswers extends FrameLoop {
  override onResult(lane: Lane, result: RunnerAnswer<Flight>): void {
    result.token.isDiverted = false;
    super.onResult(lane, result);
  }
}

class NoReroute extends FrameLoop {
  override reroute(): void {}

  /** Without the rescue of what waits and runs there: it goes on until it is gone. */
  override async end(): Promise<void> {}
}
