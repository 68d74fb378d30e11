// Who has which role in a stage. Golden and shadow stages take the first of the order; serving only ever grows.
import type { CandidateRole } from '../../shared/protocol/documents.ts';
import type { StageSpec } from '../../shared/rollout/rollout-file.ts';
import { growCohort, type Member, mergeBySainteLague, quotaOf } from './cohorts.ts';

export type Role = 'none' | CandidateRole;

/** A device of the plan, in the order of its site. */
export type LedgerDevice = Member & {
  readonly site: string;
  readonly pin: 'candidate' | 'baseline' | null;
  readonly role: Role;
};

export type StageSize = Pick<StageSpec, 'mode'> & {
  readonly percent?: number | undefined;
  readonly count?: number | undefined;
  /** Share of each site that this stage leaves on the baseline as controls, in percent. */
  readonly holdback?: number;
};

const ROLE_OF_MODE = { golden: 'prove', shadow: 'shadow', serve: 'serve' } as const;

export function roleOfMode(mode: StageSpec['mode']): CandidateRole {
  return ROLE_OF_MODE[mode];
}

/** Role per device (`site/device`) in the stage; the ledger must be in order within each site. */
export function assignStage(
  stage: StageSize,
  ledger: readonly LedgerDevice[],
  minPerFactory: number,
): ReadonlyMap<string, Role> {
  const role = roleOfMode(stage.mode);
  const chosen = chooseDevices(stage, ledger, minPerFactory);
  return new Map(
    ledger.map((device) => {
      const key = keyOf(device);
      // Whoever serves goes on serving: taking exposure back is a rollback, not a stage.
      if (device.role === 'serve') return [key, 'serve'];
      return [key, chosen.has(key) ? role : 'none'];
    }),
  );
}

export function keyOf({ site, device }: { readonly site: string; readonly device: string }): string {
  return `${site}/${device}`;
}

function chooseDevices(stage: StageSize, ledger: readonly LedgerDevice[], minPerFactory: number): ReadonlySet<string> {
  const pinned = ledger.filter(({ pin }) => pin === 'candidate').map(keyOf);
  const sites = sitesOf(ledger.filter(({ pin }) => pin === null)).map((site) => ({
    eligible: site.length,
    order: site.slice(0, site.length - heldBack(site.length, stage.holdback ?? 0)),
  }));
  if (stage.count !== undefined) {
    const order = mergeBySainteLague(sites.map((site) => site.order)).map(keyOf);
    return new Set([...pinned, ...growCohort(order, servingAmong(ledger), stage.count)]);
  }
  const chosen = sites.flatMap(({ order, eligible }) => {
    const quota = quotaOf(stage.percent ?? 0, eligible, minPerFactory);
    return growCohort(order.map(keyOf), servingAmong(order), quota);
  });
  return new Set([...pinned, ...chosen]);
}

/** The last of the order, so that stages stay nested; at least one of a site that has two, or there would be no controls. */
function heldBack(eligible: number, percent: number): number {
  if (percent === 0 || eligible < 2) return 0;
  return quotaOf(percent, eligible, 1);
}

function servingAmong(devices: readonly LedgerDevice[]): ReadonlySet<string> {
  return new Set(devices.filter(({ role }) => role === 'serve').map(keyOf));
}

function sitesOf(ledger: readonly LedgerDevice[]): readonly (readonly LedgerDevice[])[] {
  return [...new Set(ledger.map(({ site }) => site))].sort().map((site) => ledger.filter((each) => each.site === site));
}
