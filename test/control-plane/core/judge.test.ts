// Verdicts on fleets that behave like fleets: seeded simulations, thin evidence, bad cameras, lone devices.
import { describe, expect, it } from 'vitest';
import {
  type DeviceChange,
  type Evidence,
  type EvidenceFacts,
  gatherEvidence,
} from '../../../control-plane/core/evidence.ts';
import type { GoldenDevice } from '../../../control-plane/core/golden-evidence.ts';
import type { DeviceHistory } from '../../../control-plane/core/history.ts';
import { judge } from '../../../control-plane/core/judge.ts';
import type { GoldenScore } from '../../../shared/protocol/golden-score.ts';
import type { StageMode } from '../../../shared/rollout/rollout-file.ts';
import type { Verdict, VerdictKind } from '../../../shared/rollout/verdict.ts';
import {
  armOf,
  CANDIDATE,
  type FleetInput,
  fleetOf,
  gaussian,
  guardrailOf,
  historyOf,
  type PairedInput,
  pairedOf,
  STAGE_QUESTION,
  START_MS,
  scatterOf,
  seeded,
  selectCandidate,
  selectControl,
  WINDOW_MS,
  windowOf,
} from './builders.ts';

type Fleet = { readonly candidates: readonly DeviceHistory[]; readonly controls?: readonly DeviceHistory[] };

function factsOf(fleet: Fleet, mode: StageMode = 'serve', golden: readonly GoldenDevice[] = []): EvidenceFacts {
  const question = { ...STAGE_QUESTION, mode };
  return {
    candidates: fleet.candidates.map((history) => selectCandidate(history, question)),
    controls: (fleet.controls ?? []).map((history) => selectControl(history, question)),
    assigned: fleet.candidates.length,
    golden,
  };
}

const P95 = guardrailOf('p95(latency_ms) <= baseline * 1.10');

function judgeFleet(input: FleetInput, guardrail = P95): Verdict {
  return judge(guardrail, gatherEvidence(guardrail, factsOf(fleetOf(input))));
}

type Simulation = { readonly devices: number; readonly candidates: number; readonly latencyFactor?: number };

/** Verdicts of many seeded fleets, simulated as per-device changes: drift of the day, of the device, scatter of its windows. */
function tally(input: Simulation, runs: number, guardrail = P95): Record<VerdictKind, number> {
  const counts = { pass: 0, breach: 0, inconclusive: 0, 'no-data': 0 };
  for (let seed = 1; seed <= runs; seed += 1) counts[judge(guardrail, simulate(input, seed)).verdict] += 1;
  return counts;
}

function simulate({ devices, candidates, latencyFactor = 1 }: Simulation, seed: number): Evidence {
  const random = seeded(seed);
  const drift = 0.06 * gaussian(random);
  const deviceChange = (index: number): DeviceChange => {
    const own = drift + 0.04 * gaussian(random) + (index < candidates ? Math.log(latencyFactor) : 0);
    const sinceWindows = Array.from({ length: 20 }, () => own + 0.04 * gaussian(random));
    const beforeWindows = Array.from({ length: 20 }, () => 0.04 * gaussian(random));
    const change = average(sinceWindows) - average(beforeWindows);
    const scatter = { since: scatterOf(sinceWindows), before: scatterOf(beforeWindows) };
    return { site: 'plant-a', device: `d${index}`, hardwareClass: 'orin-nx', change, ...scatter };
  };
  const all = Array.from({ length: devices }, (_, index) => deviceChange(index));
  return {
    kind: 'changes',
    basis: 'self',
    candidates: all.slice(0, candidates),
    controls: all.slice(candidates),
    excluded: { partial: 0, switch: 0, settling: 0, camera: 0 },
    assigned: candidates,
    controlsAvailable: devices - candidates,
    count: 1,
  };
}

const average = (values: readonly number[]) => values.reduce((total, value) => total + value, 0) / values.length;

describe('judge latency', () => {
  it('passes an unchanged candidate nearly always and never breaches it', () => {
    const counts = tally({ devices: 40, candidates: 12 }, 400);
    expect(counts.breach).toBe(0);
    expect(counts.pass).toBeGreaterThanOrEqual(396);
  });

  it('breaches a candidate three times slower every time, with 12, 2 and 1 devices', () => {
    for (const candidates of [12, 2, 1])
      expect(tally({ devices: 20, candidates, latencyFactor: 3 }, 100).breach).toBe(100);
    expect(judgeFleet({ devices: 8, candidates: 2, latencyFactor: 3, seed: 9 })).toMatchObject({
      verdict: 'breach',
      limitHigh: 10,
    });
  });

  it('does not pass a candidate well over the limit, nor breach one at it more often than it says', () => {
    expect(tally({ devices: 40, candidates: 12, latencyFactor: 1.2 }, 200).pass).toBe(0);
    const atLimit = tally({ devices: 40, candidates: 12, latencyFactor: 1.1 }, 400);
    expect(atLimit.breach).toBeLessThanOrEqual(10);
    expect(atLimit.pass).toBeLessThanOrEqual(56);
  });

  it('shows the range it was decided by: what is inconclusive reaches both inside and outside its limit', () => {
    const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
    const verdicts = seeds.map((seed) =>
      judge(P95, simulate({ devices: 8, candidates: 2, latencyFactor: 1.25 }, seed)),
    );
    const undecided = verdicts.filter(({ verdict }) => verdict === 'inconclusive');
    expect(undecided.length).toBeGreaterThan(10);
    for (const { low, high, limitHigh } of undecided) {
      expect(low).toBeLessThanOrEqual(limitHigh ?? 0);
      expect(high).toBeGreaterThan(limitHigh ?? 0);
    }
  });

  it('subtracts what the controls did meanwhile', () => {
    const slower = fleetOf({ devices: 20, candidates: 6, seed: 3 });
    const shift = (history: DeviceHistory): DeviceHistory => ({
      ...history,
      since: history.since.map((window) => ({
        ...window,
        arms: window.arms.map((arm) => ({ ...armOf({ ...arm, latencyMs: 40 }) })),
      })),
    });
    const everyone = { candidates: slower.candidates.map(shift), controls: slower.controls.map(shift) };
    const verdict = judge(P95, gatherEvidence(P95, factsOf(everyone)));
    expect(verdict.level).toBe('site and hardware');
    expect(Math.abs(verdict.estimate ?? 99)).toBeLessThan(30);
    expect(
      judge(P95, gatherEvidence(P95, factsOf({ candidates: everyone.candidates, controls: slower.controls }))).verdict,
    ).toBe('breach');
  });

  it('says at which level it compared', () => {
    const mixed = { devices: 12, candidates: 2, seed: 1 };
    expect(judgeFleet({ ...mixed, hardwareClasses: ['orin-nx', 'x86'] }).level).toBe('site and hardware');
    const fleet = fleetOf(mixed);
    const elsewhere = fleet.controls.map((history) => ({ ...history, site: 'plant-b' }));
    const strangers = fleet.controls.map((history) => ({ ...history, hardwareClass: 'nano' }));
    const levelWith = (controls: readonly DeviceHistory[]) =>
      judge(P95, gatherEvidence(P95, factsOf({ candidates: fleet.candidates, controls }))).level;
    expect(levelWith(elsewhere)).toBe('hardware');
    expect(levelWith(strangers)).toBe('fleet');
    expect(levelWith([])).toBe('own baseline only');
  });

  it('judges a lone device by the spread of its windows, and says so', () => {
    const verdict = judgeFleet({ devices: 2, candidates: 1, seed: 5 });
    expect(verdict).toMatchObject({ spread: 'between windows', n: 1, controls: 1 });
    expect(verdict.sentence).toContain('spread between windows');
    const counts = tally({ devices: 2, candidates: 1 }, 200, guardrailOf('p95(latency_ms) <= baseline * 1.5'));
    expect(counts).toEqual({ pass: 200, breach: 0, inconclusive: 0, 'no-data': 0 });
  });

  it('has no evidence while devices, frames or time are too few, and says which', () => {
    const verdict = judgeFleet({ devices: 20, candidates: 4, seed: 1, windowsSince: 3 });
    expect(verdict.verdict).toBe('no-data');
    expect(verdict.sentence).toContain('0 devices with 1000 frames and 5 min of evidence, needs 2');
    expect(judgeFleet({ devices: 20, candidates: 4, seed: 1, windowsBefore: 0 }).verdict).toBe('no-data');
  });
});

describe('window selection', () => {
  const candidateArm = armOf({ digest: CANDIDATE, role: 'candidate' });

  it('leaves out partial, mixed and dark windows, and counts them', () => {
    const at = (minute: number) => ({ seq: minute + 1, startAtMs: START_MS + minute * WINDOW_MS });
    const since = [
      windowOf({ ...at(0), arms: [armOf(), candidateArm] }),
      windowOf({ ...at(1), arms: [candidateArm], partial: true }),
      windowOf({ ...at(2), arms: [candidateArm], healthy: false }),
      windowOf({ ...at(3), arms: [candidateArm] }),
    ];
    const selected = selectCandidate({ ...historyOf(), since }, STAGE_QUESTION);
    expect(selected.since.windows).toBe(1);
    expect(selected.excluded).toEqual({ partial: 1, switch: 1, settling: 0, camera: 1 });
    expect(selected.cameraFinding).toBe('camera cam-1: the picture is dark');
  });

  it('lets a device settle after its own switch, not after that of others', () => {
    const since = Array.from({ length: 6 }, (_, i) =>
      windowOf({ seq: i + 1, startAtMs: START_MS + i * WINDOW_MS, arms: [i < 3 ? armOf() : candidateArm] }),
    );
    const selected = selectCandidate({ ...historyOf(), since }, { ...STAGE_QUESTION, settleMs: WINDOW_MS });
    expect(selected.since.windows).toBe(2);
    expect(selected.since.between(START_MS + 4 * WINDOW_MS, START_MS + 6 * WINDOW_MS).windows).toBe(2);
    expect(selected.excluded.settling).toBe(1);
  });

  it('takes the past before the first candidate window when the device was not there before the rollout', () => {
    const since = Array.from({ length: 6 }, (_, i) =>
      windowOf({ seq: i + 1, startAtMs: START_MS + i * WINDOW_MS, arms: [i < 3 ? armOf() : candidateArm] }),
    );
    const selected = selectCandidate({ ...historyOf(), since }, STAGE_QUESTION);
    expect(selected.before.windows).toBe(3);
  });
});

function shadowFleet(
  devices: number,
  windows: number,
  classesOf: (random: () => number) => readonly PairedInput[],
): Fleet {
  const random = seeded(11);
  const candidates = Array.from({ length: devices }, (_, d) => {
    const device = `dev-${String(d).padStart(3, '0')}`;
    const since = Array.from({ length: windows }, (_w, w) =>
      windowOf({
        device,
        seq: w + 1,
        startAtMs: START_MS + w * WINDOW_MS,
        arms: [armOf(), armOf({ digest: CANDIDATE, role: 'shadow', latencyMs: 90 })],
        paired: pairedOf(classesOf(random)),
      }),
    );
    return { ...historyOf(device), since };
  });
  return { candidates };
}

const count = (random: () => number, n: number, share: number) =>
  Array.from({ length: n }, random).filter((x) => x < share).length;

describe('judge paired evidence', () => {
  const LOST = guardrailOf('rate(lost, class=micro-crack) <= 10 %');
  const judgeShadow = (fleet: Fleet, guardrail = LOST) =>
    judge(guardrail, gatherEvidence(guardrail, factsOf(fleet, 'shadow')));

  it('breaches a candidate that loses cracks, with many devices and with two', () => {
    const blind = (random: () => number) => [{ class: 'micro-crack', base: 5, lost: count(random, 5, 0.4) }];
    for (const devices of [8, 2]) expect(judgeShadow(shadowFleet(devices, 10, blind)).verdict).toBe('breach');
  });

  it('passes one that loses none', () => {
    const verdict = judgeShadow(shadowFleet(3, 10, () => [{ class: 'micro-crack', base: 5 }]));
    expect(verdict).toMatchObject({ verdict: 'pass', count: 150, level: 'same frames', estimate: 0 });
  });

  it('has no evidence below the minimum of baseline detections, whatever the share', () => {
    const verdict = judgeShadow(shadowFleet(2, 2, () => [{ class: 'micro-crack', base: 1 }]));
    expect(verdict.verdict).toBe('no-data');
    expect(verdict.sentence).toContain('no evidence: 4 confident micro-crack detections of the baseline, needs 30');
  });

  it('reads a baseline that is blind itself as no evidence, never as a pass', () => {
    expect(judgeShadow(shadowFleet(4, 20, () => [{ class: 'dent', base: 5 }])).verdict).toBe('no-data');
  });

  it('names places that cannot see it without letting them block', () => {
    const seeing = shadowFleet(3, 10, () => [{ class: 'micro-crack', base: 5 }]);
    const unseeing = shadowFleet(1, 10, () => [{ class: 'dent', base: 5 }]).candidates.map((history) => ({
      ...history,
      device: 'dev-900',
      line: 'line-9',
    }));
    const verdict = judgeShadow({ candidates: [...seeing.candidates, ...unseeing] });
    expect(verdict).toMatchObject({ verdict: 'pass', blind: ['plant-a/line-9'] });
    expect(verdict.sentence).toContain('plant-a/line-9');
  });

  it('leaves out windows with a bad camera', () => {
    const fleet = shadowFleet(3, 10, () => [{ class: 'micro-crack', base: 5, lost: 4 }]);
    const dark = fleet.candidates.map((history) => ({
      ...history,
      since: history.since.map((window) => ({
        ...window,
        cameras: window.cameras.map((camera) => ({ ...camera, healthy: false })),
      })),
    }));
    expect(judgeShadow({ candidates: dark })).toMatchObject({ verdict: 'no-data', excluded: { camera: 30 } });
  });

  it('judges wrong classes and border share', () => {
    const swapped = shadowFleet(3, 10, () => [{ class: 'dent', base: 6, wrong: 6 }]);
    expect(judgeShadow(swapped, guardrailOf('rate(wrong_class) <= 5 %')).verdict).toBe('breach');
    const border = guardrailOf('border_share <= baseline + 10 pt');
    expect(judgeShadow(swapped, border)).toMatchObject({ verdict: 'pass', estimate: 0, unit: 'pt' });
    const alarming = swapped.candidates.map((history) => ({
      ...history,
      since: history.since.map((window) => ({ ...window, paired: pairedOf([], { candidate: 45 }) })),
    }));
    expect(judgeShadow({ candidates: alarming }, border)).toMatchObject({ verdict: 'breach', estimate: 25 });
  });
});

describe('judge counts and levels', () => {
  const errorFleet = (errors: number): Fleet => ({
    candidates: Array.from({ length: 6 }, (_, d) => ({
      ...historyOf(`dev-${d}00`),
      since: Array.from({ length: 10 }, (_w, w) =>
        windowOf({
          seq: w + 1,
          startAtMs: START_MS + w * WINDOW_MS,
          arms: [armOf({ digest: CANDIDATE, role: 'candidate', errors: { exception: errors } })],
        }),
      ),
    })),
  });
  const judgeErrors = (errors: number, expr: string) => {
    const guardrail = guardrailOf(expr);
    return judge(guardrail, gatherEvidence(guardrail, factsOf(errorFleet(errors))));
  };

  it('passes no errors, breaches five per cent, against half a per cent', () => {
    expect(judgeErrors(0, 'rate(errors, frames) <= 0.5 %')).toMatchObject({ verdict: 'pass', count: 18_000 });
    expect(judgeErrors(15, 'rate(errors, frames) <= 0.5 %')).toMatchObject({ verdict: 'breach', estimate: 5 });
  });

  it('compares with a plain number where the limit is one', () => {
    expect(judgeErrors(0, 'p95(latency_ms) <= 120 ms')).toMatchObject({
      verdict: 'pass',
      level: 'absolute',
      limitHigh: 120,
    });
    expect(judgeErrors(0, 'p95(latency_ms) <= 12 ms').verdict).toBe('breach');
    expect(judgeErrors(0, 'mean(fps) >= 4 fps').verdict).toBe('pass');
    expect(judgeErrors(0, 'mean(fps) >= 6 fps').verdict).toBe('breach');
    expect(judgeErrors(0, 'mean(soc_temp_c) <= 50').verdict).toBe('breach');
  });

  it('judges detections per frame on both sides', () => {
    const within = guardrailOf('mean(detections_per_frame) within baseline +/- 15 %');
    const fleetWith = (factor: number): Fleet => {
      const fleet = fleetOf({ devices: 12, candidates: 4, seed: 2 });
      const change = (history: DeviceHistory) => ({
        ...history,
        since: history.since.map((window) => ({
          ...window,
          arms: [armOf({ digest: CANDIDATE, role: 'candidate', detections: { dent: 60 * factor } })],
        })),
      });
      return { candidates: fleet.candidates.map(change), controls: fleet.controls };
    };
    const verdictOf = (factor: number) => judge(within, gatherEvidence(within, factsOf(fleetWith(factor)))).verdict;
    expect([verdictOf(1), verdictOf(2), verdictOf(0.5)]).toEqual(['pass', 'breach', 'breach']);
  });

  it('has no evidence about temperature where it cannot be read', () => {
    const thermal = guardrailOf('mean(soc_temp_c) <= baseline + 5');
    const fleet = fleetOf({ devices: 8, candidates: 2, seed: 1 });
    const cold = (history: DeviceHistory) => ({
      ...history,
      since: history.since.map((window) => ({ ...window, sensors: { ...window.sensors, temperatureC: null } })),
    });
    expect(judge(thermal, gatherEvidence(thermal, factsOf(fleet))).verdict).toBe('pass');
    expect(
      judge(thermal, gatherEvidence(thermal, factsOf({ ...fleet, candidates: fleet.candidates.map(cold) }))).verdict,
    ).toBe('no-data');
  });
});

describe('judge golden self-tests', () => {
  const scoresOf = (found: number, objects = 90): readonly GoldenScore[] => [
    { class: '*', size: 'all', objects: 480, found: 430, falseAlarms: 40, ap50: 0.91 },
    { class: 'micro-crack', size: 'small', objects, found, falseAlarms: 3, ap50: null },
  ];
  const deviceOf = (device: string, hardwareClass: string, found: number | null): GoldenDevice => ({
    device,
    hardwareClass,
    isCandidate: true,
    candidate: found === null ? null : scoresOf(found),
    baseline: scoresOf(75),
  });
  const RECALL = guardrailOf('golden(recall, class=micro-crack, size=small) >= baseline - 10 pt');
  const judgeGolden = (golden: readonly GoldenDevice[], guardrail = RECALL) =>
    judge(guardrail, gatherEvidence(guardrail, factsOf({ candidates: [] }, 'golden', golden)));

  it('sees small cracks lost while mAP stays', () => {
    const golden = [deviceOf('d1', 'orin-nx', 31)];
    expect(judgeGolden(golden).verdict).toBe('breach');
    expect(judgeGolden(golden, guardrailOf('golden(map50) >= baseline - 3 pt')).verdict).toBe('pass');
    expect(judgeGolden([deviceOf('d1', 'orin-nx', 75)])).toMatchObject({ verdict: 'pass', estimate: 0 });
  });

  it('does not count devices that saw the same pictures as independent', () => {
    const many = Array.from({ length: 50 }, (_, i) => deviceOf(`d${i}`, 'orin-nx', 65));
    expect(judgeGolden(many).low).toBe(judgeGolden(many.slice(0, 1)).low);
  });

  it('is decided by the worst hardware class, and needs evidence from every one', () => {
    expect(judgeGolden([deviceOf('d1', 'orin-nx', 75), deviceOf('d2', 'x86', 20)]).verdict).toBe('breach');
    const missing = judgeGolden([deviceOf('d1', 'orin-nx', 75), deviceOf('d2', 'x86', null)]);
    expect(missing.verdict).toBe('no-data');
    expect(missing.sentence).toContain('x86');
  });

  it('has no evidence with too few objects or none at all', () => {
    expect(judgeGolden([{ ...deviceOf('d1', 'orin-nx', 10), candidate: scoresOf(10, 12) }]).verdict).toBe('no-data');
    expect(judgeGolden([]).verdict).toBe('no-data');
    expect(judgeGolden([{ ...deviceOf('d1', 'orin-nx', 75), baseline: null }]).verdict).toBe('no-data');
  });
});
