// The worked plans and what candidates do to the fleet: one that is better in what the plan asks for, and one that is bad in the
// way the plan is there to stop, with the rule that must stop it. The plans themselves are read from scripts/examples.
import { UNCHANGED } from '../../../control-plane/simulation/treatments.ts';
import type { Candidate } from './candidate.ts';

export type PlanCase = {
  readonly plan: string;
  /** Below scripts/examples. */
  readonly file: string;
  /** What is wrong with the bad one, for people. */
  readonly fault: string;
  readonly good: Candidate;
  readonly bad: Candidate;
  /** The guardrail, or the rule of the state machine, that stops the bad one; and the stage in which it must at the latest. */
  readonly stoppedBy: string;
  readonly stage: string;
  /** Harmless, and not good enough: it stays where the plan asks for more. */
  readonly stays?: { readonly candidate: Candidate; readonly stage: string; readonly because: RegExp };
};

const SOUND: Candidate = {
  treatment: { ...UNCHANGED, latencyShare: -0.02, errorFactor: 0.5 },
  golden: {},
  paired: { lost: 0.005, gained: 0.01, wrongClass: 0.005 },
  business: { costShare: -0.1, falseAlertShare: -0.05 },
  memoryShare: 0,
  revertShare: 0,
  revertAfterMinutes: 0,
};

const slower = (share: number): Candidate => ({ ...SOUND, treatment: { ...SOUND.treatment, latencyShare: share } });

export const PLAN_CASES: readonly PlanCase[] = [
  {
    plan: '1 detector 2.0.0',
    file: 'plans/plan-1-detector.yaml',
    fault: 'precision of persons 6 points down',
    good: { ...SOUND, golden: { '*': { map50: 0.04 } } },
    bad: { ...SOUND, golden: { '*': { map50: 0.04 }, person: { precision: -0.06 } } },
    stoppedBy: 'precision/person',
    stage: 'selftest',
    stays: { candidate: SOUND, stage: 'shadow', because: /mAP50 .* limit ≥ \+2 pt/ },
  },
  {
    plan: '2 stricter segmenter',
    file: 'plans/plan-2-stricter-segmenter.yaml',
    fault: 'micro-cracks 5 points less often found',
    good: SOUND,
    bad: { ...SOUND, golden: { 'micro-crack': { recall: -0.05, iou: -0.05 } } },
    stoppedBy: 'micro-crack',
    stage: 'selftest',
  },
  {
    plan: '3 OCR tokenizer',
    file: 'plans/plan-3-ocr-tokenizer.yaml',
    fault: 'half of its devices run out of memory after 20 minutes',
    good: { ...SOUND, memoryShare: 0.2 },
    bad: { ...SOUND, memoryShare: 0.3, revertShare: 0.5, revertAfterMinutes: 20 },
    stoppedBy: 'device-trip-wire',
    stage: 'first',
  },
  {
    plan: '4 segmenter 1.5.0',
    file: 'plans/plan-4-segmenter.yaml',
    fault: 'p95 30 % up',
    good: SOUND,
    bad: slower(0.3),
    stoppedBy: 'p95',
    stage: 'first',
  },
  {
    plan: '4 as imported',
    file: 'short-form/segmenter.yaml',
    fault: 'p95 30 % up',
    good: SOUND,
    bad: slower(0.3),
    stoppedBy: 'p95',
    stage: 'step-1',
  },
  {
    plan: '5 classifier 1.5.0',
    file: 'plans/plan-5-classifier.yaml',
    fault: 'p95 three times as long, over 120 ms',
    good: SOUND,
    bad: slower(2),
    stoppedBy: 'p95',
    stage: 'tenth',
  },
  {
    plan: '6 face detector 2.2',
    file: 'plans/plan-6-face-detector.yaml',
    fault: '20 % more finds that nobody else sees',
    good: SOUND,
    bad: { ...SOUND, paired: { ...SOUND.paired, gained: 0.2 } },
    stoppedBy: 'gained',
    stage: 'shadow',
  },
  {
    plan: '8 simplest flow',
    file: 'plans/plan-8-simplest.yaml',
    fault: 'errors ten times as frequent',
    good: SOUND,
    bad: { ...SOUND, treatment: { ...UNCHANGED, errorFactor: 10 } },
    stoppedBy: 'errors',
    stage: 'tenth',
  },
  {
    plan: '9 hardware classes first',
    file: 'plans/plan-9-hardware-classes.yaml',
    fault: 'mAP 4 points down on one hardware class',
    good: SOUND,
    bad: { ...SOUND, golden: { '*': { map50: -0.04 } }, goldenOn: 'orin-nx' },
    stoppedBy: 'map',
    stage: 'selftest',
  },
  {
    plan: '10 game day',
    file: 'plans/plan-10-game-day.yaml',
    fault: 'devices see it stall and go back by themselves',
    good: SOUND,
    bad: { ...slower(4), revertShare: 0.2, revertAfterMinutes: 1 },
    stoppedBy: 'device-trip-wire',
    stage: 'half',
  },
];
