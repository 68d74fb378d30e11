// Mistakes planted into the control plane.

import { mix } from '../../../control-plane/core/random.ts';
import { assignStage, keyOf } from '../../../control-plane/core/stages.ts';
import type { Mutant } from './mutant.ts';

export const PLANE_MUTANTS = {
  'no-fence': {
    what: 'a leader that stalled writes what it decided on old facts over what has happened since',
    wiring: { mayWrite: () => true },
  },
  'cohort-reseed': {
    what: 'each stage draws its devices anew',
    wiring: {
      assignStage: (stage, ledger, minimum) => {
        const drawn = ledger.map((place) => ({ ...place, role: 'none' as const }));
        const shuffled = drawn.toSorted((a, b) => mix(1, keyOf(a) + stage.percent) - mix(1, keyOf(b) + stage.percent));
        return assignStage(stage, shuffled, minimum);
      },
    },
  },
  'dup-count': {
    what: 'a window that arrives twice is counted twice',
    wiring: { isCounted: () => true },
  },
  'hasty-watermark': {
    what: 'everything up to the newest number is acknowledged, holes or not',
    wiring: { openWatermarks: () => ({ has: () => true, load: () => undefined, settle: (_position, seq) => seq }) },
  },
} satisfies Readonly<Record<string, Mutant>>;
