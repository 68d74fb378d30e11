// `abort.factoryScope`: whether trouble is that of one factory alone, which then goes back while the rest is held; and what a
// rollout remembers of it. Trouble that may be everybody's takes everybody back.
import type { Verdict } from '../../shared/rollout/verdict.ts';
import type { Verification } from '../../shared/rollout/verification.ts';

/** A factory that was taken back alone; its devices stay out of the cohort. */
export type FactoryOut = {
  readonly site: string;
  readonly atMs: number;
  readonly reason: string;
  /** Devices that had a role there. */
  readonly devices: readonly string[];
  /** When every reachable one of them first reported its own release answering again. */
  readonly restoredAtMs: number | null;
  /** How it ended, in one sentence; null while it goes back or is verified. */
  readonly ended: (Pick<Verification, 'kind' | 'sentence'> & { readonly atMs: number }) | null;
};

/** The one factory that breaks the limits of all these guardrails, while every other one is seen to keep them; else null. */
export function onlyFactory(breaches: readonly Verdict[], factories: readonly string[] | null): string | null {
  if (factories === null || factories.length < 2) return null;
  const found = new Set(breaches.map((verdict) => factoryOf(verdict, factories)));
  const [site] = found;
  return found.size === 1 && site !== undefined ? site : null;
}

function factoryOf(verdict: Verdict, factories: readonly string[]): string | null {
  const slices = verdict.slices ?? [];
  const broken = slices.filter((slice) => slice.verdict === 'breach').map(({ slice }) => slice);
  const [site] = broken;
  if (broken.length !== 1 || site === undefined || !factories.includes(site)) return null;
  if (verdict.slice === site) return site;
  // The whole breaks it as well: by this factory alone only when the others lie inside.
  const isInside = (factory: string) => {
    const estimate = slices.find(({ slice }) => slice === factory)?.estimate ?? null;
    const { limitLow, limitHigh } = verdict;
    return (
      estimate !== null && (limitHigh === null || estimate <= limitHigh) && (limitLow === null || estimate >= limitLow)
    );
  };
  return factories.every((factory) => factory === site || isInside(factory)) ? site : null;
}

/** The one factory of all these devices (`site/device`); null when they are of several. */
export function factoryOfAll(devices: readonly string[], factories: readonly string[] | null): string | null {
  if (factories === null || factories.length < 2) return null;
  const sites = new Set(devices.map((key) => key.split('/', 1)[0] ?? ''));
  const [site] = sites;
  return sites.size === 1 && site !== undefined && factories.includes(site) ? site : null;
}

export function isOut(out: readonly FactoryOut[], { site }: { readonly site: string }): boolean {
  return out.some((each) => each.site === site);
}

/** It had the candidate in a factory that is still on its way back. */
export function isGoingBack(
  out: readonly FactoryOut[],
  { site, device }: { readonly site: string; readonly device: string },
): boolean {
  return out.some((each) => each.ended === null && each.site === site && each.devices.includes(device));
}

export function describeOut({ site, reason, ended }: FactoryOut): string {
  return `${site} was taken back alone (${reason}); ${ended === null ? 'its devices are on their way' : ended.sentence}`;
}
