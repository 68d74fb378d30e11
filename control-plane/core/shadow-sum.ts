// What both releases said of the same frames, by class, added up over windows of a shadow. Counts only; nothing is judged.
import type { Paired } from '../../shared/measure/window.ts';
import type { ShadowClass, ShadowEvidence } from '../../shared/protocol/api-rollout-charts.ts';

export type ShadowWindow = {
  readonly site: string;
  readonly device: string;
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly paired: Paired;
};

/** Null without windows. `isPartial`: there are older ones that were not read. */
export function addShadow(windows: readonly ShadowWindow[], isPartial: boolean): ShadowEvidence | null {
  if (windows.length === 0) return null;
  const classes = new Map<string, ShadowClass>();
  for (const { paired } of windows) for (const one of paired.classes) classes.set(one.class, addClass(classes, one));
  const total = (read: (paired: Paired) => number) => windows.reduce((sum, { paired }) => sum + read(paired), 0);
  return {
    windows: windows.length,
    isPartial,
    devices: new Set(windows.map(({ site, device }) => `${site}/${device}`)).size,
    fromMs: windows.reduce((least, { startAtMs }) => Math.min(least, startAtMs), Number.POSITIVE_INFINITY),
    toMs: windows.reduce((most, { endAtMs }) => Math.max(most, endAtMs), 0),
    frames: total(({ frames }) => frames),
    offered: total(({ offered }) => offered),
    classes: [...classes.values()].sort((a, b) => disagreements(b) - disagreements(a)),
  };
}

function addClass(classes: ReadonlyMap<string, ShadowClass>, one: Paired['classes'][number]): ShadowClass {
  const before = classes.get(one.class);
  return {
    class: one.class,
    baselineConfident: (before?.baselineConfident ?? 0) + one.baselineConfident,
    candidateConfident: (before?.candidateConfident ?? 0) + one.candidateConfident,
    agreed: (before?.agreed ?? 0) + Math.max(0, one.baselineConfident - one.lost - one.wrongClass),
    lost: (before?.lost ?? 0) + one.lost,
    gained: (before?.gained ?? 0) + one.gained,
    wrongClass: (before?.wrongClass ?? 0) + one.wrongClass,
  };
}

function disagreements({ lost, gained, wrongClass }: ShadowClass): number {
  return lost + gained + wrongClass;
}
