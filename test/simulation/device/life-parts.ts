// What one life of a simulated agent is made of. Types only.
import type { ReleaseRef } from '../../../agent/core/state.ts';
import type { Random } from '../../../control-plane/core/random.ts';
import type { Checker } from '../check/checker.ts';
import type { EventQueue } from '../event-queue.ts';
import type { Network } from '../network.ts';
import type { Parameters } from '../parameters.ts';
import type { Flaw, SimRelease } from '../releases.ts';
import type { Wiring } from '../wiring.ts';
import type { Disk } from './disk.ts';

/** The box around the agent: what happens to it from outside. */
export type Box = {
  readonly hasKillFile: boolean;
  /** Its cameras give no frames. */
  readonly isBlind: boolean;
  readonly wallSkewMs: number;
  /** Since the power came: time in which the box slept and its monotonic clock stood still. */
  readonly suspendedMs: number;
  /** Of that, what nobody has been told of yet. */
  takeSlept(): number;
  /** Counts effects; true when the power goes right before this one. */
  isCutNow(): boolean;
};

export type LifeParts = {
  readonly index: number;
  readonly site: string;
  readonly name: string;
  readonly hardwareClass: string;
  readonly boot: string;
  readonly factory: ReleaseRef;
  readonly cameras: readonly string[];
  /** Virtual time at which the box was powered on; an agent that only restarts keeps its clock. */
  readonly poweredAtMs: number;
  readonly device: Box;
  readonly disk: Disk;
  readonly queue: EventQueue;
  readonly network: Network;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly checker: Checker;
  readonly wiring: Wiring;
  readonly releaseOf: (digest: string) => SimRelease;
  readonly flawOf: (digest: string) => Flaw;
  readonly isReachable: () => boolean;
  readonly bitRotShare: number;
  readonly loseBox: () => void;
  readonly settleSoon: () => void;
};
