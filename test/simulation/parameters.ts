// Everything that a seed decides about a run before it begins: how many devices, which faults and how often. Each class
// of faults is left out in some seeds, so that none can hide another. Printed whole with every failure.

import { openRandom, type Random } from '../../control-plane/core/random.ts';
import type { LeaseTerms } from '../../shared/protocol/documents.ts';
import { drawReleases, type SimRelease } from './releases.ts';

const MINUTE_MS = 60_000;

export type Parameters = {
  readonly seed: number;
  readonly devices: number;
  readonly sites: number;
  readonly cameras: number;
  /** Faults happen for this long; then they stop, and the fleet must converge. */
  readonly faultsForMs: number;
  readonly tickMs: number;
  readonly frameEveryMs: number;
  readonly burstMax: number;
  readonly windowMs: number;
  readonly network: {
    readonly dropShare: number;
    readonly duplicateShare: number;
    readonly delayMsMax: number;
    /** Mean time between partitions of a device; null: none. */
    readonly partitionEveryMs: number | null;
    readonly partitionMsMax: number;
    readonly brokerRestartEveryMs: number | null;
  };
  readonly device: {
    readonly rebootEveryMs: number | null;
    /** Share of reboots that cut a turn in two, between one effect and the next. */
    readonly cutShare: number;
    readonly freezeEveryMs: number | null;
    readonly diskFaultEveryMs: number | null;
    readonly bitRotShare: number;
    readonly runnerDeathEveryMs: number | null;
    readonly cameraLossEveryMs: number | null;
    readonly localKillEveryMs: number | null;
    readonly wallSkewMsMax: number;
  };
  readonly plane: {
    readonly tickMs: number;
    /** Share of ticks after which the leader stalls between reading and writing. */
    readonly stallShare: number;
    readonly stallMsMax: number;
    /** Share of documents that an old leader sends once more, so much later. */
    readonly echoShare: number;
    readonly echoMsMax: number;
    /** Mean time between outages of every leader; what is sent to them meanwhile is lost. */
    readonly outageEveryMs: number | null;
    readonly outageMsMax: number;
    readonly databaseFaultEveryMs: number | null;
    readonly leaders: number;
  };
  readonly people: {
    readonly killEveryMs: number | null;
    readonly verbEveryMs: number | null;
    readonly liftEveryMs: number | null;
  };
  readonly lease: LeaseTerms;
  readonly releases: readonly SimRelease[];
  readonly fileIndex: number;
};

export type Overrides = { readonly devices?: number; readonly hours?: number };

export function drawParameters(seed: number, { devices, hours }: Overrides = {}): Parameters {
  const random = openRandom(seed, 'parameters');
  // One seed in forty is a fleet of hundreds, looked at more coarsely and for a shorter time.
  const isBig = random.chance(1 / 40);
  const drawnDevices = isBig ? random.int(110, 220) : random.int(3, 8);
  const faultsForMs = (isBig ? random.int(5, 7) : random.int(8, 15)) * MINUTE_MS;
  const tickMs = isBig ? 10_000 : random.pick([2500, 5000, 10_000]);
  return {
    seed,
    devices: devices ?? drawnDevices,
    sites: random.int(1, isBig ? 6 : 3),
    cameras: isBig ? 1 : random.pick([1, 1, 2]),
    faultsForMs: hours === undefined ? faultsForMs : hours * 60 * MINUTE_MS,
    tickMs,
    frameEveryMs: isBig ? 15_000 : random.pick([2000, 5000]),
    burstMax: random.pick([1, 3, 6]),
    windowMs: isBig ? 60_000 : 30_000,
    network: drawNetwork(random.fork('network')),
    device: drawDevice(random.fork('device')),
    plane: drawPlane(random.fork('plane')),
    people: drawPeople(random.fork('people')),
    lease: drawLease(random.fork('lease')),
    releases: drawReleases(random.fork('releases'), 4),
    fileIndex: random.int(0, 2),
  };
}

function drawNetwork(random: Random): Parameters['network'] {
  return {
    dropShare: sometimes(random, () => random.between(0, 0.3)) ?? 0,
    duplicateShare: sometimes(random, () => random.between(0, 0.2)) ?? 0,
    delayMsMax: sometimes(random, () => random.pick([1000, 10_000, 60_000])) ?? 50,
    partitionEveryMs: every(random, 2, 10),
    partitionMsMax: random.pick([30_000, 5 * MINUTE_MS, 15 * MINUTE_MS]),
    brokerRestartEveryMs: every(random, 8, 30),
  };
}

function drawDevice(random: Random): Parameters['device'] {
  return {
    rebootEveryMs: every(random, 1, 15),
    cutShare: random.pick([0, 0.3, 0.8]),
    freezeEveryMs: every(random, 3, 15),
    diskFaultEveryMs: every(random, 10, 30, 0.4),
    bitRotShare: sometimes(random, () => 0.03) ?? 0,
    runnerDeathEveryMs: every(random, 6, 40),
    cameraLossEveryMs: every(random, 10, 40),
    localKillEveryMs: every(random, 30, 90, 0.3),
    wallSkewMsMax: sometimes(random, () => random.pick([20_000, 5 * MINUTE_MS, 60 * MINUTE_MS]), 0.5) ?? 0,
  };
}

function drawPlane(random: Random): Parameters['plane'] {
  return {
    tickMs: random.pick([5000, 10_000]),
    stallShare: sometimes(random, () => random.between(0.05, 0.3)) ?? 0,
    stallMsMax: random.pick([10_000, 4 * MINUTE_MS]),
    echoShare: sometimes(random, () => random.between(0.2, 0.9)) ?? 0,
    echoMsMax: random.pick([20_000, 2 * MINUTE_MS]),
    databaseFaultEveryMs: every(random, 10, 30, 0.4),
    leaders: random.chance(0.7) ? 2 : 1,
    outageEveryMs: every(random, 2, 10, 0.5),
    outageMsMax: random.pick([20_000, 2 * MINUTE_MS]),
  };
}

function drawLease(random: Random): LeaseTerms {
  const ttlMs = random.pick([20_000, 60_000, 120_000, 300_000]);
  return { ttlMs, onLapse: random.chance(0.85) ? 'revert' : 'hold' };
}

function drawPeople(random: Random): Parameters['people'] {
  return {
    killEveryMs: every(random, 1, 6),
    verbEveryMs: every(random, 4, 15, 0.5),
    liftEveryMs: every(random, 5, 20, 0.5),
  };
}

function sometimes<T>(random: Random, draw: () => T, probability = 0.6): T | null {
  const drawn = draw();
  return random.chance(probability) ? drawn : null;
}

/** A mean interval between so many minutes; null in the seeds that go without. */
function every(random: Random, minMinutes: number, maxMinutes: number, probability = 0.6): number | null {
  return sometimes(random, () => random.between(minMinutes, maxMinutes) * MINUTE_MS, probability);
}
