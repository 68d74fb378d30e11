// What a simulated device reports of itself: which release answers its frames. Nothing else of it matters to a decision.

import type { FleetDevice } from '../../../control-plane/core/simulated/fleet.ts';
import { BASELINE_DIGEST, CANDIDATE_DIGEST } from '../../../control-plane/core/simulated/windows.ts';
import type { Reported } from '../../../shared/protocol/reports.ts';

const REFS = {
  baseline: { release: 'cv-detector:1.8.2', digest: BASELINE_DIGEST },
  candidate: { release: 'cv-detector:2.0.0', digest: CANDIDATE_DIGEST },
} as const;

export function reportOf(device: FleetDevice, serving: 'baseline' | 'candidate', atMs: number): Reported {
  return {
    v: 1,
    site: device.site,
    device: device.device,
    boot: 'boot-00000001',
    atMs,
    agentVersion: '1.0.0',
    hardwareClass: device.hardwareClass,
    line: null,
    generation: 1,
    killEpoch: 0,
    desiredInForce: true,
    phase: serving,
    serving: REFS[serving],
    servedFrames: 1,
    servingBecause: 'desired',
    committed: REFS.baseline,
    previous: null,
    candidate: serving === 'candidate' ? { ...REFS.candidate, role: 'serve', state: 'serving', provider: null } : null,
    mode: 'warm',
    modeBecause: '',
    swapMs: null,
    lease: null,
    hardware: null,
    provider: null,
    proofs: [],
    quarantine: [],
    kills: [],
    sinks: [],
    blocked: [],
    refused: {},
  };
}
