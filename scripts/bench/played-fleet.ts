// A fleet that says what devices say, straight to the presence book and the live room, at a stated rate.
import type { PresenceBook } from '../../control-plane/devices/presence.ts';
import type { Live } from '../../control-plane/live/live.ts';
import { encodeSketch, sketchOf } from '../../shared/measure/latency-sketch.ts';
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { Arm, Window } from '../../shared/measure/window.ts';

export type PlayedFleet = {
  /** Windows of `perSecond` devices every second, by turns; ends what was played before. */
  play(perSecond: number): void;
  stop(): void;
};

type Parts = { readonly live: Live; readonly presence: PresenceBook; readonly devices: number };

const SITES = 4;
const HARDWARE = ['orin-nx', 'x86-n100'] as const;
const TURN_MS = 50;
const WINDOW_MS = 60_000;
/** Of a hundred windows so many tell of a device that is throttled: marks change shape and colour all the time. */
const HOT_PCT = 10;

const LATENCIES = [18, 20, 22, 24].map((ms) => encodeSketch(sketchOf([ms, ms + 1, ms + 2, ms + 6])));

/** Every device has said one window when this returns. */
export function playFleet({ live, presence, devices }: Parts): PlayedFleet {
  let at = 0;
  let timer: NodeJS.Timeout | undefined;
  const say = (): void => {
    const window = windowOf(at, devices);
    const { site, device, boot, generation, killEpoch } = window;
    presence.window({ site, device, boot, generation, killEpoch, windowMs: WINDOW_MS, atMs: Date.now() });
    live.heard({ site, device, text: '', channel: 'window', document: window });
    at += 1;
  };
  for (let count = 0; count < devices; count += 1) say();
  const stop = (): void => clearInterval(timer);
  return {
    play: (perSecond) => {
      stop();
      const startedAtMs = performance.now();
      let said = 0;
      timer = setInterval(() => {
        const due = ((performance.now() - startedAtMs) / 1000) * perSecond;
        for (; said < due; said += 1) say();
      }, TURN_MS);
    },
    stop,
  };
}

function windowOf(at: number, devices: number): Window {
  const number = at % devices;
  const site = `plant-${(number % SITES) + 1}`;
  const hardwareClass = HARDWARE[number % 3 === 0 ? 1 : 0];
  const throttled = (at * 37) % 100 < HOT_PCT;
  const nowMs = Date.now();
  return {
    v: 1,
    site,
    device: `cam-${String(number).padStart(5, '0')}`,
    boot: 'bench-boot',
    seq: 1 + Math.floor(at / devices),
    startAtMs: nowMs - WINDOW_MS,
    endAtMs: nowMs,
    hardwareClass,
    cohortId: 'baseline',
    generation: 0,
    killEpoch: 0,
    partial: false,
    arms: [armOf(at)],
    paired: null,
    cameras: [],
    sensors: { ...NO_SENSORS, temperatureC: 50 + (at % 20), throttled, throttleReasons: [] },
    spoolDropped: {},
  };
}

function armOf(at: number): Arm {
  return {
    release: at % 7 === 0 ? 'cv-detector:2.0.0+data=b4f7a1' : 'cv-detector:1.8.2+data=b4f7a1',
    digest: (at % 7 === 0 ? 'b' : 'a').repeat(64),
    role: 'baseline',
    frames: 600,
    answered: 600,
    errors: {},
    latencyMs: LATENCIES[at % LATENCIES.length] ?? encodeSketch(sketchOf([20])),
    runMs: encodeSketch(sketchOf([10])),
    activeMs: WINDOW_MS,
    cpuSeconds: null,
    rssBytes: null,
    proxies: {
      detections: 0,
      scoreSum: 0,
      byClass: {},
      borderline: 0,
      emptyFrames: 0,
      flickers: 0,
      trackFrames: 0,
      entropySum: 0,
    },
  };
}
