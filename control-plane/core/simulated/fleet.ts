// A fleet as fleets are: devices that differ, days that drift, factories that move as one, noise that lasts. Each minute it
// says how every device stands; nothing here knows what a window or a judge is.

import { normal, openSeries, poisson, type Series } from './noise.ts';
import { openRandom, type Random } from './random.ts';
import { isHit, type Treatment } from './treatments.ts';

/** Assumptions, on the logarithmic scale of latency; to be fitted again on real telemetry. */
export const FLEET = {
  factories: 4,
  devicesPerFactory: 50,
  hardwareClasses: ['orin-nx', 'x86'],
  deviceSpread: 0.15,
  dayDrift: 0.03,
  factoryShock: 0.06,
  factoryShockMinutes: 60,
  deviceNoise: 0.06,
  deviceNoiseMinutes: 20,
  minuteNoise: 0.04,
  treatmentSpread: 0.03,
} as const;

/** A usual device: frames per minute, ms, share of frames, boxes per frame, °C. */
const USUAL = {
  framesPerMinute: 300,
  latencyMs: 40,
  errorShare: 0.002,
  errorSpread: 0.7,
  droppedShare: 0.003,
} as const;
const USUAL_SCENE = { boxesPerFrame: 0.8, sceneNoise: 0.05, temperatureC: 55, temperatureSpread: 3 } as const;
/** Now and then a device has a bad minute: so many times as many errors. */
const BURST = { share: 0.02, factor: 8 } as const;

export type FleetDevice = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  /** Its place in the order of its site: as good as a hash. */
  readonly key: number;
};

/** One device in one minute. */
export type Minute = {
  /** Logarithm of its latency over the usual one. */
  readonly level: number;
  readonly frames: number;
  readonly errors: number;
  readonly dropped: number;
  readonly boxes: number;
  readonly temperatureC: number;
  readonly isSilent: boolean;
};

export type Fleet = {
  readonly devices: readonly FleetDevice[];
  /** The next minute; `onCandidate[i]`: minutes for which device i has the candidate, or null. */
  readonly next: (onCandidate: readonly (number | null)[]) => readonly Minute[];
  /** From now on the day is another one than that of the baseline. */
  readonly turnDay: () => void;
};

type Inner = {
  readonly device: FleetDevice;
  readonly random: Random;
  readonly level: number;
  readonly noise: Series;
  readonly scene: Series;
  readonly warmth: Series;
  readonly errorShare: number;
  readonly temperatureC: number;
  readonly drift: number;
  readonly response: number;
  readonly silence: number;
};

/** Where a simulated device stands. */
export type FleetPlace = Omit<FleetDevice, 'key'>;

export function openFleet(
  seed: number,
  treatment: Treatment,
  size = { perFactory: FLEET.devicesPerFactory as number },
): Fleet {
  const sites = Array.from({ length: FLEET.factories }, (_, at) => `plant-${String.fromCharCode(97 + at)}`);
  const places = sites.flatMap((site) => Array.from({ length: size.perFactory }, (_, at) => usualPlace(site, at)));
  return openFleetAt(seed, treatment, places);
}

/** The same with devices of one's own. */
export function openFleetAt(seed: number, treatment: Treatment, places: readonly FleetPlace[]): Fleet {
  const root = openRandom(seed, 'fleet');
  const sites = [...new Set(places.map(({ site }) => site))];
  const shocks = new Map(
    sites.map((site) => [site, openSeries(root.fork(site), FLEET.factoryShock, FLEET.factoryShockMinutes)]),
  );
  const inners = sites.flatMap((site) =>
    places.filter((place) => place.site === site).map((place, at) => openDevice(root.fork(`${site}/${at}`), place)),
  );
  let isNewDay = false;
  return {
    devices: inners.map(({ device }) => device),
    turnDay: () => {
      isNewDay = true;
    },
    next: (onCandidate) => {
      const shockOf = new Map([...shocks].map(([site, series]) => [site, series.next()]));
      return inners.map((inner, at) => {
        const base = (shockOf.get(inner.device.site) ?? 0) + (isNewDay ? inner.drift : 0);
        return minuteOf(inner, base, { treatment, minutes: onCandidate[at] ?? null });
      });
    },
  };
}

function usualPlace(site: string, at: number): FleetPlace {
  const { hardwareClasses } = FLEET;
  const hardwareClass = hardwareClasses[at % hardwareClasses.length] ?? hardwareClasses[0];
  return { site, device: `dev-${String(at).padStart(5, '0')}`, hardwareClass };
}

function openDevice(random: Random, place: FleetPlace): Inner {
  const device = { ...place, key: random.int(0, 2 ** 48 - 1) };
  return {
    device,
    random,
    level: FLEET.deviceSpread * normal(random),
    noise: openSeries(random.fork('noise'), FLEET.deviceNoise, FLEET.deviceNoiseMinutes),
    scene: openSeries(random.fork('scene'), USUAL_SCENE.sceneNoise, FLEET.deviceNoiseMinutes),
    warmth: openSeries(random.fork('warmth'), 1, FLEET.deviceNoiseMinutes),
    errorShare: USUAL.errorShare * Math.exp(USUAL.errorSpread * normal(random) - USUAL.errorSpread ** 2 / 2),
    temperatureC: USUAL_SCENE.temperatureC + USUAL_SCENE.temperatureSpread * normal(random),
    drift: FLEET.dayDrift * normal(random),
    response: FLEET.treatmentSpread * normal(random),
    silence: random.next(),
  };
}

type Dose = { readonly treatment: Treatment; readonly minutes: number | null };

function minuteOf(inner: Inner, base: number, { treatment, minutes }: Dose): Minute {
  const { random, device } = inner;
  const hit = minutes !== null && isHit(treatment, device.hardwareClass, minutes);
  const effect = hit ? Math.log(1 + treatment.latencyShare) + inner.response : 0;
  const level = inner.level + base + effect + inner.noise.next() + FLEET.minuteNoise * normal(random);
  const burst = random.chance(BURST.share) ? BURST.factor : 1;
  const frames = Math.round(USUAL.framesPerMinute * (1 + 0.01 * normal(random)));
  const meanErrors = frames * inner.errorShare * burst * (hit ? treatment.errorFactor : 1);
  return {
    level,
    frames,
    errors: Math.min(frames, poisson(random, meanErrors)),
    dropped: poisson(random, frames * USUAL.droppedShare),
    boxes: poisson(random, frames * USUAL_SCENE.boxesPerFrame * Math.exp(inner.scene.next())),
    temperatureC: inner.temperatureC + inner.warmth.next(),
    isSilent: hit && inner.silence < treatment.silentShare,
  };
}

/** Latency of a usual device, ms. */
export const USUAL_LATENCY_MS = USUAL.latencyMs;
