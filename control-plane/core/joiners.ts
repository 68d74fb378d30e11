// Devices that come to the sites of a rollout after its start: by the same rules as in the plan, behind everyone who was there.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { type PlanFactsDevice, whyExcluded } from './plan.ts';
import { keyOf } from './stages.ts';

type Placed = { readonly site: string; readonly device: string; readonly position: number };

export type JoinFacts = {
  readonly spec: Pick<RolloutSpec, 'cohort'>;
  readonly candidate: ReleaseRef;
  readonly ledger: readonly Placed[];
  readonly devices: readonly PlanFactsDevice[];
};

export type Joining = PlanFactsDevice & {
  readonly hardwareClass: string;
  readonly baseline: ReleaseRef;
  readonly position: number;
};

/** Nobody who takes part in another rollout, and nobody at a site that this one does not know. */
export function joinersOf({ spec, candidate, ledger, devices }: JoinFacts): readonly Joining[] {
  const known = new Set(ledger.map(keyOf));
  const last = new Map<string, number>();
  for (const { site, position } of ledger) last.set(site, Math.max(last.get(site) ?? -1, position));
  const fresh = devices
    .filter((device) => !known.has(keyOf(device)) && last.has(device.site) && device.busyWith === null)
    .filter((device) => whyExcluded(device, { file: { spec }, candidate }) === null)
    .toSorted((a, b) => a.key - b.key);
  return fresh.flatMap((device) => {
    const { site, hardwareClass, baseline } = device;
    if (hardwareClass === null || baseline === null) return [];
    const position = (last.get(site) ?? -1) + 1;
    last.set(site, position);
    return [{ ...device, hardwareClass, baseline, position }];
  });
}
