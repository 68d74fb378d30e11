// The little world of the tests of local limits: a committed baseline that has answered for a while, a candidate on
// trial, and seconds of frames, sensors and processor time that a test describes.
import type { Content } from '../../../agent/core/answer-content.ts';
import { opinionWanted } from '../../../agent/core/limit-content.ts';
import { freshDurable } from '../../../agent/core/state.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import type { Sensors } from '../../../shared/measure/window.ts';
import { type DeviceLimits, deviceLimitsSchema } from '../../../shared/protocol/limits.ts';
import { CoreWorld, desired, FACTORY, ref } from './core-world.ts';

export const C = ref('c').digest;
export const B = ref('b').digest;
export const LIMITS = deviceLimitsSchema.parse({ fpsFloor: 5, fpsForMs: 5_000, latencyForMs: 5_000 });
export const COOL: Sensors = { ...NO_SENSORS, temperatureC: 50, throttled: false };
export const SOMETHING: Content = { objects: 1, alerts: 0 };
export const NOTHING: Content = { objects: 0, alerts: 0 };
export const ALARM: Content = { objects: 1, alerts: 1 };

export type Second = {
  readonly fps?: number;
  /** How many of them are answered; all when left out. */
  readonly answered?: number;
  readonly latencyMs?: number;
  /** What the n-th answer of this second holds. */
  readonly content?: (frame: number) => Content;
  /** What the baseline says when it is asked about the same frame. */
  readonly opinion?: (frame: number) => Content;
  readonly sensors?: Partial<Sensors>;
  readonly othersCpuPct?: number;
  readonly memoryBytes?: number;
  /** Share of its time in which the candidate's runner stands in line for a processor. */
  readonly waitingPct?: number;
};

/** The baseline has answered for 40 s, and longer where a test says so; then the candidate comes. */
export function onCandidate(options: CandidateOptions = {}): CoreWorld {
  const world = baselineWorld();
  run(world, options.aloneS ?? 40, { content: () => SOMETHING, ...options.alone });
  return order(world, options);
}

export type CandidateOptions = {
  readonly role?: 'serve' | 'shadow';
  readonly limits?: Partial<DeviceLimits>;
  readonly aloneS?: number;
  readonly alone?: Second;
};

export function baselineWorld(): CoreWorld {
  return new CoreWorld({ ...freshDurable(FACTORY), committed: ref('b') }).settle();
}

export function order(world: CoreWorld, { role = 'serve', limits = {} }: CandidateOptions = {}): CoreWorld {
  const generation = (world.state.durable.desired?.generation ?? 0) + 1;
  world.order(desired(generation, 'b', { name: 'c', role }, { limits: { ...LIMITS, ...limits } }));
  return world.settle();
}

/** So many seconds of frames, sensors and a tick each; stops early never. */
export function run(world: CoreWorld, seconds: number, second: Second = {}): void {
  for (let at = 0; at < seconds; at += 1) runSecond(world, second);
}

function runSecond(world: CoreWorld, second: Second): void {
  const { fps = 10, latencyMs = 10, content = () => SOMETHING } = second;
  for (let frame = 0; frame < fps; frame += 1) {
    if (frame < (second.answered ?? fps)) world.answer(latencyMs, content(frame));
    else world.send({ kind: 'offered' });
    const asked = opinionWanted(world.state);
    if (asked !== null && frame % 5 === 0 && second.opinion !== undefined)
      world.send({ kind: 'opinion', digest: asked.digest, content: second.opinion(frame) });
  }
  if (second.sensors !== undefined) world.send({ kind: 'sensors', sensors: { ...COOL, ...second.sensors } });
  sendUse(world, second);
  world.wait(1000);
}

function sendUse(world: CoreWorld, { othersCpuPct, memoryBytes, waitingPct }: Second): void {
  if (othersCpuPct === undefined && memoryBytes === undefined && waitingPct === undefined) return;
  const known = (value: number | undefined) => new Map(value === undefined ? [] : [[C, value]]);
  const use = { memoryBytes: known(memoryBytes), waitingPct: known(waitingPct) };
  world.send({ kind: 'machine-use', use: { othersCpuPct: othersCpuPct ?? null, ...use } });
}
