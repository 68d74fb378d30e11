// Outcomes, pairs, cameras and sensors in; valid windows and events in the spool out.
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLASSES_MAX, OTHER_CLASSES } from '../../../agent/telemetry/arm-recorder.ts';
import type { FrameOutcome, FrameResult, HealthSample } from '../../../agent/telemetry/outcome.ts';
import type { Spool } from '../../../agent/telemetry/spool.ts';
import { openTelemetry, type Telemetry, type TelemetryOptions } from '../../../agent/telemetry/telemetry.ts';
import { decodeSketch, quantile } from '../../../shared/measure/latency-sketch.ts';
import { coverage, errorShare, framesPerSecond, lostShare, meanConfidence } from '../../../shared/measure/quality.ts';
import { NO_SENSORS } from '../../../shared/measure/sensors.ts';
import { windowSchema } from '../../../shared/measure/window.ts';
import { openTemporaryFolder, openTestSpool, SILENT, type TemporaryFolder } from './spool-builder.ts';

const BASELINE = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const CANDIDATE = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) };
const FACTS = {
  cohortId: 'baseline',
  generation: 3,
  killEpoch: 1,
  activeMsByRole: { baseline: 60_000, shadow: 30_000 },
};
const SAMPLE: HealthSample = { lumaHistogram: [0.5, 0.5], sharpness: 200, saturatedShare: 0, redBlueRatio: 1 };
const SENSORS = {
  ...NO_SENSORS,
  temperatureC: 50,
  throttled: false,
  batteryPct: null,
  batteryCharging: null,
  cpuLoadPct: 20,
  memoryUsedBytes: 1,
  memoryTotalBytes: 2,
};

let folder: TemporaryFolder;
let spool: Spool;
let telemetry: Telemetry;
let wallMs: number;
let monotonicMs: number;

function open(part: Partial<TelemetryOptions> = {}): Telemetry {
  return openTelemetry({
    identity: { site: 'plant-a', device: 'cam-01', hardwareClass: 'x86-n100', line: null },
    boot: 'boot-0001',
    wallNow: () => wallMs,
    monotonicNow: () => monotonicMs,
    spool,
    log: SILENT,
    ...part,
  });
}

beforeEach(() => {
  folder = openTemporaryFolder();
  spool = openTestSpool(folder.path('spool.db'));
  [wallMs, monotonicMs] = [1_700_000_000_000, 5000];
  telemetry = open();
});
afterEach(() => {
  spool.close();
  folder.remove();
});

const pass = (ms: number) => {
  wallMs += ms;
  monotonicMs += ms;
};
const dent = (score: number, label = 'dent') => ({
  classId: 0,
  label,
  score,
  box: [10, 10, 40, 40] as [number, number, number, number],
});
const answerOf = (...detections: ReturnType<typeof dent>[]) => ({ task: 'detection' as const, detections });
const answered = (latencyMs: number, ...detections: ReturnType<typeof dent>[]): FrameResult => ({
  kind: 'answered',
  latencyMs,
  runMs: latencyMs / 2,
  borderline: 1,
  answer: answerOf(...detections),
});

function outcome(result: FrameResult, part: Partial<FrameOutcome> = {}): FrameOutcome {
  const base = { cameraId: 'top-view', requestId: 'r', capturedAtMs: wallMs, release: BASELINE };
  return { ...base, role: 'baseline', result, ...part };
}

describe('a window', () => {
  it('adds up what each release did in each role', () => {
    for (let i = 0; i < 9; i += 1) telemetry.recordOutcome(outcome(answered(10 + i, dent(0.8))));
    telemetry.recordOutcome(outcome({ kind: 'failed', error: 'deadline', detail: '' }));
    telemetry.recordOutcome(outcome(answered(40), { release: CANDIDATE, role: 'shadow' }));
    pass(60_000);
    const window = telemetry.closeWindow(FACTS);
    const [baseline, shadow] = window.arms;
    expect(baseline).toMatchObject({ ...BASELINE, role: 'baseline', frames: 10, answered: 9, errors: { deadline: 1 } });
    expect(baseline && errorShare(baseline)).toEqual({ value: 0.1, count: 10 });
    expect(baseline && framesPerSecond(baseline).value).toBeCloseTo(0.15, 10);
    expect(baseline && meanConfidence(baseline.proxies).value).toBeCloseTo(0.8, 10);
    expect(baseline?.proxies).toMatchObject({ detections: 9, byClass: { dent: 9 }, borderline: 9, emptyFrames: 0 });
    const latency = baseline && decodeSketch(baseline.latencyMs);
    expect(latency && quantile(latency, 0.5)).toBeCloseTo(14, 0);
    expect(shadow).toMatchObject({ ...CANDIDATE, role: 'shadow', frames: 1, activeMs: 30_000 });
    expect(shadow?.proxies.emptyFrames).toBe(1);
    expect(window).toMatchObject({
      partial: false,
      endAtMs: wallMs,
      startAtMs: wallMs - 60_000,
      generation: 3,
      killEpoch: 1,
    });
  });

  it('is in the spool, valid and the same', () => {
    telemetry.recordOutcome(outcome(answered(10, dent(0.8))));
    const window = telemetry.closeWindow(FACTS);
    const [entry] = spool.pending(1);
    expect(windowSchema.parse(JSON.parse(entry?.text ?? ''))).toEqual({ ...window, seq: 1 });
  });

  it('holds nothing of the window before', () => {
    telemetry.recordOutcome(outcome(answered(10, dent(0.8))));
    telemetry.recordPair({
      cameraId: 'top-view',
      baseline: { ref: BASELINE, answer: answerOf(), borderline: 0 },
      candidate: { ref: CANDIDATE, answer: answerOf(), borderline: 0 },
    });
    telemetry.recordCamera({ cameraId: 'top-view', counts: { captured: 5, processed: 4, dropped: { busy: 1 } } });
    telemetry.recordSensors(SENSORS);
    telemetry.markPartial('test');
    telemetry.closeWindow(FACTS);
    const second = telemetry.closeWindow(FACTS);
    expect(second).toMatchObject({ arms: [], paired: null, partial: false, sensors: { temperatureC: null } });
    expect(second.cameras[0]).toMatchObject({ captured: 0, processed: 0, dropped: {}, lostMs: 0 });
  });

  it('compares the arms on the same frames, and knows how many the shadow missed', () => {
    for (let i = 0; i < 10; i += 1) telemetry.recordOffered(CANDIDATE.digest);
    for (let i = 0; i < 8; i += 1)
      telemetry.recordPair({
        cameraId: 'top-view',
        baseline: { ref: BASELINE, answer: answerOf(dent(0.9)), borderline: 0 },
        candidate: { ref: CANDIDATE, answer: i < 4 ? answerOf(dent(0.7)) : answerOf(), borderline: 2 },
      });
    const { paired } = telemetry.closeWindow(FACTS);
    expect(paired && lostShare(paired, 'dent')).toEqual({ value: 0.5, count: 8 });
    expect(paired && coverage(paired)).toEqual({ value: 0.8, count: 10 });
    expect(paired).toMatchObject({ baselineDigest: BASELINE.digest, candidateDigest: CANDIDATE.digest, frames: 8 });
  });

  it('shows a shadow that answered nothing as a coverage of 0, not as no shadow', () => {
    telemetry.recordOutcome(outcome(answered(10)));
    for (let i = 0; i < 10; i += 1) telemetry.recordOffered(CANDIDATE.digest);
    const { paired } = telemetry.closeWindow(FACTS);
    expect(paired && coverage(paired)).toEqual({ value: 0, count: 10 });
  });

  it('takes the hottest temperature and the mean load of its readings', () => {
    telemetry.recordSensors({ ...SENSORS, temperatureC: 71, throttled: true });
    telemetry.recordSensors({ ...SENSORS, temperatureC: null, throttled: null, cpuLoadPct: 60 });
    expect(telemetry.closeWindow(FACTS).sensors).toEqual({
      ...SENSORS,
      temperatureC: 71,
      throttled: true,
      cpuLoadPct: 40,
    });
  });

  it('stays small with a thousand classes', () => {
    for (let i = 0; i < 1000; i += 1) {
      const answer = dent(0.9, `class with a long name ${i}`);
      telemetry.recordOutcome(outcome(answered(10, answer)));
      telemetry.recordPair({
        cameraId: 'top-view',
        baseline: { ref: BASELINE, answer: answerOf(answer), borderline: 0 },
        candidate: { ref: CANDIDATE, answer: answerOf(), borderline: 0 },
      });
    }
    const window = telemetry.closeWindow(FACTS);
    expect(window.arms[0]?.proxies.byClass[OTHER_CLASSES]).toBe(1000 - CLASSES_MAX);
    expect(window.paired && lostShare(window.paired, '*')).toEqual({ value: 1, count: 1000 });
    expect(JSON.stringify(window).length).toBeLessThan(64 * 1024);
  });

  it('is partial when told so, when releases changed in it, and when the clock was set', () => {
    telemetry.markPartial('frames were lost');
    expect(telemetry.closeWindow(FACTS).partial).toBe(true);
    telemetry.recordOutcome(outcome(answered(10)));
    telemetry.recordOutcome(outcome(answered(10), { release: CANDIDATE }));
    const changed = telemetry.closeWindow(FACTS);
    expect(changed.partial).toBe(true);
    expect(changed.arms.map((arm) => arm.activeMs)).toEqual([30_000, 30_000]);
    pass(60_000);
    wallMs -= 3_600_000;
    const jumped = telemetry.closeWindow(FACTS);
    expect(jumped).toMatchObject({ partial: true, endAtMs: wallMs, startAtMs: wallMs - 60_000 });
    expect(telemetry.closeWindow(FACTS).partial).toBe(false);
  });

  it('says how much CPU and memory a runner took, and null when nobody knows', () => {
    telemetry.recordOutcome(outcome(answered(10)));
    expect(telemetry.closeWindow(FACTS).arms[0]).toMatchObject({ cpuSeconds: null, rssBytes: null });
    telemetry.recordRunner({ digest: BASELINE.digest, role: 'baseline', pid: process.pid });
    const usedBefore = process.cpuUsage();
    while (process.cpuUsage(usedBefore).user < 60_000) JSON.stringify(usedBefore);
    telemetry.recordOutcome(outcome(answered(10)));
    const [arm] = telemetry.closeWindow(FACTS).arms;
    expect(arm?.cpuSeconds).toBeGreaterThan(0.02);
    expect(arm?.cpuSeconds).toBeLessThan(5);
    expect(arm?.rssBytes).toBeGreaterThan(10_000_000);
    telemetry.recordRunner({ digest: BASELINE.digest, role: 'candidate', pid: process.pid });
    telemetry.recordOutcome(outcome(answered(10)));
    expect(telemetry.closeWindow(FACTS).arms[0]).toMatchObject({ cpuSeconds: null, rssBytes: null });
  });

  it('adds up what the runners of all cameras took', () => {
    telemetry.recordRunner({ digest: BASELINE.digest, role: 'baseline', pid: process.pid });
    telemetry.recordOutcome(outcome(answered(10)));
    const alone = telemetry.closeWindow(FACTS).arms[0]?.rssBytes ?? 0;
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      telemetry.recordRunner({ digest: BASELINE.digest, role: 'baseline', pid: child.pid ?? 0 });
      telemetry.recordOutcome(outcome(answered(10)));
      expect(telemetry.closeWindow(FACTS).arms[0]?.rssBytes).toBeGreaterThan(alone * 0.9 + 1_000_000);
    } finally {
      child.kill('SIGKILL');
    }
    expect(alone).toBeGreaterThan(10_000_000);
  });

  it('that breaks the contract is refused with the reason, not sent', () => {
    expect(() => telemetry.closeWindow({ ...FACTS, generation: -1 })).toThrow(/generation: /);
    expect(spool.size().windows).toBe(0);
  });
});

describe('a camera', () => {
  it('is unknown, then healthy, then not, with a reason', () => {
    expect(telemetry.cameraVerdict('top-view').healthy).toBeNull();
    for (let i = 0; i < 30; i += 1) telemetry.recordHealth('top-view', SAMPLE);
    expect(telemetry.cameraVerdict('top-view').healthy).toBe(true);
    for (let i = 0; i < 10; i += 1) telemetry.recordHealth('top-view', { ...SAMPLE, sharpness: 50 });
    expect(telemetry.cameraVerdict('top-view').healthy).toBe(false);
    telemetry.recordCameraLost('top-view', 700);
    const [camera] = telemetry.closeWindow(FACTS).cameras;
    expect(camera).toMatchObject({ cameraId: 'top-view', healthy: false, lostMs: 700, sharpnessRatio: 0.25 });
    expect(camera?.finding).toMatch(/blurred/);
  });

  it('keeps its reference across a restart when the caller does', () => {
    for (let i = 0; i < 30; i += 1) telemetry.recordHealth('top-view', SAMPLE);
    const again = open({ healthReferences: telemetry.healthReferences() });
    for (let i = 0; i < 10; i += 1) again.recordHealth('top-view', { ...SAMPLE, sharpness: 50 });
    expect(again.cameraVerdict('top-view').healthy).toBe(false);
  });
});

describe('an event', () => {
  it('is stored before emit returns, with its place in the sequence', () => {
    const event = telemetry.emit({ kind: 'reverted', atMs: wallMs, reason: 'latency', digest: CANDIDATE.digest });
    expect(event).toMatchObject({
      v: 1,
      site: 'plant-a',
      device: 'cam-01',
      boot: 'boot-0001',
      seq: 1,
      kind: 'reverted',
    });
    expect(JSON.parse(spool.pending(1)[0]?.text ?? '')).toEqual(event);
  });

  it('tells of a spool that was full, once per window', () => {
    spool.close();
    spool = openTestSpool(folder.path('small.db'), { spanMsMax: 60_000 });
    telemetry = open();
    for (let i = 0; i < 3; i += 1) {
      pass(60_000);
      telemetry.closeWindow(FACTS);
    }
    const events = spool.pending(10).filter((entry) => entry.class === 'event');
    expect(events.map((entry) => JSON.parse(entry.text).reason)).toEqual(['the spool was full and dropped 1 window']);
  });

  it('are not told by one event after the other while the disk refuses: those keep their room for what matters', () => {
    const events: string[] = [];
    let isFull = true;
    const refusing = open({
      spool: {
        appendEvent: ({ reason }) => events.push(reason),
        appendWindow: () => !isFull,
        dropped: () => ({ window: 3 }),
        takeSetAside: () => null,
      },
    });
    for (let window = 0; window < 5; window += 1) refusing.closeWindow(FACTS);
    expect(events).toEqual([]);
    isFull = false;
    refusing.closeWindow(FACTS);
    expect(events).toEqual(['the spool was full and dropped 3 windows']);
  });

  it('tells of a spool file that was broken', () => {
    const broken = {
      appendEvent: () => 1,
      appendWindow: () => true,
      dropped: () => ({}),
      takeSetAside: () => 'not a database',
    };
    const said: unknown[] = [];
    open({ spool: { ...broken, appendEvent: (body) => said.push(body) } });
    expect(said).toEqual([
      expect.objectContaining({ kind: 'spool-dropped', reason: expect.stringContaining('not a database') }),
    ]);
  });
});
