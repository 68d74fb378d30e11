// What each release does by itself, in words: values beside a verdict, and the rows under the curves of latency.
import type { ArmName, ArmSum, RolloutArms } from '../../../../shared/protocol/api-rollout-arms.ts';
import { count, momentText, timeText, unitText } from './words.ts';

type Named = Pick<RolloutArms, 'stage'>;

/** Beside a shadow the baseline is no other device: it answers the same frames. */
export function armWord(arm: ArmName, { stage }: Named): string {
  if (arm === 'candidate') return stage?.mode === 'shadow' ? 'candidate (shadow)' : 'candidate';
  if (arm === 'past') return 'same devices before';
  return stage === null || stage.mode === 'shadow' ? 'baseline' : 'controls (baseline)';
}

export type ArmLine = { readonly word: string; readonly value: string; readonly n: string };

/** The newest values of both arms for one guardrail; none where no release has one by itself. */
export function armLines(arms: RolloutArms | null, guardrail: string): readonly ArmLine[] {
  const values = arms?.guardrails.find((one) => one.guardrail === guardrail)?.values ?? [];
  return values.map(({ arm, value, unit, n, counted }) => {
    const devices = arms?.arms.find((one) => one.arm === arm)?.devices;
    const from = devices === undefined || counted === 'labelled object' ? '' : `, ${count(devices, 'device')}`;
    const word = counted === 'labelled object' ? armWord(arm, { stage: null }) : armWord(arm, arms ?? { stage: null });
    return { word, value: `${figure(value)} ${unitText(unit)}`.trimEnd(), n: `${count(n, counted)}${from}` };
  });
}

/** Three figures that matter. */
function figure(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}

export function latencyText(ms: number | undefined): string {
  return ms === undefined ? '–' : `${figure(ms)} ms`;
}

/** `12 devices`, or `32 of 400 devices` where not all were added up. */
export function devicesText({ devices, devicesOf }: Pick<ArmSum, 'devices' | 'devicesOf'>): string {
  const of = devices < devicesOf ? `${devices.toLocaleString('en')} of ` : '';
  return `${of}${count(Math.max(devices, devicesOf), 'device')}`;
}

export function spanText({ fromMs, toMs }: Pick<ArmSum, 'fromMs' | 'toMs'>): string {
  const isShort = toMs - fromMs < 12 * 3_600_000;
  return `${momentText(fromMs)} to ${isShort ? timeText(toMs) : momentText(toMs)}`;
}
