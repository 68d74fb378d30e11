// When a rollout may be done: bake times one after the other, each stage begun when the calendar of its sites lets it begin. What
// people take to approve is not known and not counted; it is named.
import type { Finish } from '../../../shared/rollout/outlook.ts';
import type { RolloutSpec } from '../../../shared/rollout/rollout-file.ts';
import { zoneOf } from '../../../shared/rollout/schedule-section.ts';
import { closedNow } from '../schedule.ts';

export function expectFinish(spec: RolloutSpec, sites: readonly string[], nowMs: number): Finish {
  const soonest = walk(spec, sites, { nowMs, withExtensions: false });
  const latest = walk(spec, sites, { nowMs, withExtensions: true });
  return {
    stages: soonest.stages,
    soonestAtMs: soonest.endAtMs,
    latestAtMs: latest.endAtMs,
    zones: Object.fromEntries(sites.map((site) => [site, (spec.schedule && zoneOf(spec.schedule, site)) ?? 'UTC'])),
  };
}

type Walk = { readonly stages: Finish['stages']; readonly endAtMs: number | null };

function walk(
  spec: RolloutSpec,
  sites: readonly string[],
  { nowMs, withExtensions }: { readonly nowMs: number; readonly withExtensions: boolean },
): Walk {
  const stages: Finish['stages'] = [];
  let atMs = nowMs;
  for (const { name, bake, extend, promote } of spec.stages) {
    const closed = closedNow(spec.schedule, sites, atMs);
    if (closed?.opensAtMs === null) return { stages, endAtMs: null };
    const startsAtMs = closed === null ? atMs : closed.opensAtMs;
    const extensions = withExtensions ? extend.times * extend.eachMs : 0;
    atMs = startsAtMs + spec.analysis.settle + bake + extensions;
    const needsPerson = promote !== 'auto';
    stages.push({ stage: name, startsAtMs, endsAtMs: atMs, waits: closed?.reason ?? null, needsPerson });
  }
  return { stages, endAtMs: atMs };
}
