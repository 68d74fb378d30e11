// Random histories in which evidence is missing: whatever else is there, the look at the end of a stage must not promote them.
import { firstProgress } from '../../../control-plane/core/advance.ts';
import { type AssessedDevice, assess } from '../../../control-plane/core/assess.ts';
import { decide } from '../../../control-plane/core/decide.ts';
import { factsToDecide } from '../../../control-plane/core/decide-facts.ts';
import { openRandom } from '../../../control-plane/core/random.ts';
import { type FleetDevice, openFleet } from '../../../control-plane/simulation/fleet.ts';
import { reportOf } from '../../../control-plane/simulation/reports.ts';
import type { Ruled } from '../../../control-plane/simulation/rollout-life.ts';
import { UNCHANGED } from '../../../control-plane/simulation/treatments.ts';
import {
  BASELINE_DIGEST,
  CANDIDATE_DIGEST,
  MINUTE_MS,
  type WindowMaker,
} from '../../../control-plane/simulation/windows.ts';
import type { Window } from '../../../shared/measure/window.ts';
import type { Outcome } from './outcome.ts';
import { EIGHT_GUARDRAILS, readRules, STANDARD_MINIMUM } from './rollout-texts.ts';

export type NoDataRules = { readonly first: Ruled; readonly last: Ruled };

export function readNoDataRules(): NoDataRules {
  const file = { guardrails: EIGHT_GUARDRAILS, minimum: STANDARD_MINIMUM };
  const full = '{ name: full, percent: 100, bake: 30m }';
  return {
    first: readRules({ ...file, stages: ['{ name: first, percent: 50, bake: 30m, extend: 1x30m }', full] }),
    last: readRules({ ...file, stages: [full] }),
  };
}

/** What is missing; each of them alone must be enough. */
export const HOLES = [
  'no windows',
  'partial windows',
  'no frames',
  'few frames',
  'another release',
  'no past',
  'unreadable sketches',
  'nothing reported',
  'silent since',
  'blind cameras',
  'settling only',
] as const;
export type Hole = (typeof HOLES)[number];

/** One history with one hole at least; it is hit when it was promoted. */
export function promotesWithoutData(seed: number, rules: NoDataRules, makeWindow: WindowMaker): Outcome {
  const hole = openRandom(seed, 'hole').pick(HOLES);
  const kind = lookAt(seed, hole, { rules, makeWindow });
  const isHit = kind === 'promote' || kind === 'complete';
  return { isHit, value: null, detail: `${isHit ? 'promoted' : kind}: ${hole}` };
}

export type LookTools = { readonly rules: NoDataRules; readonly makeWindow: WindowMaker };

const START_MS = 1_800_000_000_000;
/** Long enough for every minimum. */
const MINUTES = 34;
const PAST_MINUTES = 24;

/** What is decided at the look on a small fleet with this hole; null: with none. */
export function lookAt(seed: number, hole: Hole | null, { rules, makeWindow }: LookTools): string {
  const random = openRandom(seed, 'history');
  const fleet = openFleet(seed, UNCHANGED, { perFactory: random.int(2, 4) });
  const isFirst = random.chance(0.7);
  const { spec, guardrails } = isFirst ? rules.first : rules.last;
  const devices = fleet.devices.map((device, at) => ({ device, isCandidate: !isFirst || at % 2 === 0 }));
  const lost = random.pick([0, 0, 0.1, 0.3]);
  const windows = devices.map((): { before: Window[]; since: Window[] } => ({ before: [], since: [] }));
  for (let minute = -PAST_MINUTES; minute < MINUTES; minute += 1) {
    const startAtMs = START_MS + minute * MINUTE_MS;
    const minutes = fleet.next(devices.map(({ isCandidate }) => (isCandidate && minute >= 0 ? minute : null)));
    devices.forEach(({ device, isCandidate }, at) => {
      const state = minutes[at];
      if (!state || random.chance(lost * 0.3)) return;
      const serving = isCandidate && minute >= 0 ? ('candidate' as const) : ('baseline' as const);
      const window = makeWindow({ device, minute: state, startAtMs, serving });
      windows[at]?.[minute < 0 ? 'before' : 'since'].push(window);
    });
  }
  const nowMs = START_MS + MINUTES * MINUTE_MS;
  const known = devices.map(({ device, isCandidate }, at) =>
    deviceOf(device, isCandidate, { ...(windows[at] ?? { before: [], since: [] }), hole, nowMs }),
  );
  const progress = {
    ...firstProgress(START_MS, 'started'),
    phase: 'baking' as const,
    bakingSinceMs: START_MS,
    lookAtMs: nowMs,
    extensionsUsed: random.int(0, 1),
  };
  const assessment = assess({ nowMs, spec, guardrails, progress, candidateDigest: CANDIDATE_DIGEST, devices: known });
  const state = random.chance(0.1) && hole !== null ? ('awaiting_approval' as const) : ('running' as const);
  return decide(factsToDecide({ nowMs, state, spec, guardrails, progress, assessment, kill: null, request: null }))
    .kind;
}

type Life = {
  readonly before: readonly Window[];
  readonly since: readonly Window[];
  readonly hole: Hole | null;
  readonly nowMs: number;
};

function deviceOf(device: FleetDevice, isCandidate: boolean, life: Life): AssessedDevice {
  const { site, hardwareClass, key, device: name } = device;
  const { hole, nowMs } = life;
  const holed = isCandidate && hole !== null ? pierce(life, hole) : life;
  const isDark = isCandidate && hole === 'silent since';
  return {
    site,
    device: name,
    hardwareClass,
    key,
    pin: null,
    role: isCandidate ? 'serve' : 'none',
    online: !isDark,
    lastSeenAtMs: isDark ? START_MS + 10 * MINUTE_MS : nowMs,
    reported:
      isCandidate && hole === 'nothing reported'
        ? null
        : reportOf(device, isCandidate ? 'candidate' : 'baseline', nowMs),
    activatedAtMs: isCandidate ? START_MS : null,
    hasRevertEvent: false,
    history: { site, device: name, hardwareClass, line: null, baselineDigest: BASELINE_DIGEST, ...holed },
  };
}

/** The same life with the hole in it. */
function pierce({ before, since }: Life, hole: Hole): { before: readonly Window[]; since: readonly Window[] } {
  const changed = (change: (window: Window) => Window) => ({ before, since: since.map(change) });
  const arms = (change: (arm: Window['arms'][number]) => Partial<Window['arms'][number]>) =>
    changed((window) => ({ ...window, arms: window.arms.map((arm) => ({ ...arm, ...change(arm) })) }));
  switch (hole) {
    case 'no windows':
      return { before, since: [] };
    case 'partial windows':
      return changed((window) => ({ ...window, partial: true }));
    case 'no frames':
      return arms(() => ({ frames: 0, answered: 0 }));
    case 'few frames':
      return arms(() => ({ frames: 5, answered: 5 }));
    case 'another release':
      return arms(() => ({ digest: 'd'.repeat(64) }));
    case 'no past':
      return { before: [], since };
    case 'unreadable sketches':
      return arms(({ latencyMs }) => ({ latencyMs: { ...latencyMs, bins: 'AAAA' } }));
    case 'nothing reported':
      return { before, since };
    case 'silent since':
      return { before, since: since.slice(0, 10) };
    case 'blind cameras':
      return changed((window) => ({ ...window, cameras: window.cameras.map((each) => ({ ...each, healthy: false })) }));
    case 'settling only':
      return { before, since: since.slice(0, 3) };
  }
}
