// The database of the simulated control plane: the shared truth of both leaders. Rows are values; whoever read one keeps
// what it read. Transitions are written by compare-and-set on the version, all rows of one at once, as the real one does.

import type { Progress } from '../../../control-plane/core/advance.ts';
import type { Choice } from '../../../control-plane/core/desired.ts';
import type { LedgerDevice, Role } from '../../../control-plane/core/stages.ts';
import type { KillRecord } from '../../../control-plane/kill-switch/kill-records.ts';
import type { Window } from '../../../shared/measure/window.ts';
import type { RolloutState } from '../../../shared/protocol/api-rollouts.ts';
import type { Desired, LeaseTerms, ReleaseRef } from '../../../shared/protocol/documents.ts';
import type { DeviceEvent, Reported } from '../../../shared/protocol/reports.ts';
import type { Guardrail } from '../../../shared/rollout/guardrails.ts';
import type { Plan } from '../../../shared/rollout/plan.ts';
import type { RolloutSpec } from '../../../shared/rollout/rollout-file.ts';

export type RolloutRow = {
  readonly id: string;
  readonly version: number;
  readonly state: RolloutState;
  readonly candidate: ReleaseRef;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
  readonly plan: Plan;
  readonly progress: Progress;
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly lease: LeaseTerms;
};

export type LedgerRow = LedgerDevice & {
  readonly line: null;
  readonly position: number;
  readonly role: Role;
  readonly activatedAtMs: number | null;
  readonly baseline: ReleaseRef;
};

export type DesiredRow = { readonly document: Desired; readonly documentDigest: string; readonly published: number };

export type DeviceRow = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly connected: boolean;
  readonly lastSeenAtMs: number;
  readonly reported: Reported | null;
  readonly windowMs: number;
};

export class Store {
  /** While false nothing can be read or written: kills still go out. */
  isUp = true;
  readonly rollouts = new Map<string, RolloutRow>();
  readonly ledgers = new Map<string, readonly LedgerRow[]>();
  readonly desired = new Map<string, DesiredRow>();
  readonly devices = new Map<string, DeviceRow>();
  readonly windows = new Map<string, Window[]>();
  readonly events = new Map<string, { readonly event: DeviceEvent; readonly receivedAtMs: number }[]>();
  /** `key/boot/seq` of everything stored. */
  readonly stored = new Set<string>();
  kills: readonly KillRecord[] = [];

  activeRollout(): RolloutRow | null {
    return [...this.rollouts.values()].find((row) => row.endedAtMs === null) ?? null;
  }

  /** Writes generation old + 1 and returns the row. */
  writeDesired(
    address: { readonly site: string; readonly device: string },
    change: (previous: Desired | null) => Choice,
    when: { readonly nowMs: number; readonly generationAbove?: number },
  ): DesiredRow {
    const { site, device } = address;
    const key = `${site}/${device}`;
    const before = this.desired.get(key) ?? null;
    const previous = before?.document ?? null;
    const generation = Math.max(previous?.generation ?? 0, when.generationAbove ?? 0) + 1;
    const document: Desired = { ...change(previous), v: 1, site, device, generation, issuedAtMs: when.nowMs };
    const row = { document, documentDigest: JSON.stringify(document), published: before?.published ?? 0 };
    this.desired.set(key, row);
    return row;
  }

  markPublished(key: string, generation: number): void {
    const row = this.desired.get(key);
    if (row && row.published < generation) this.desired.set(key, { ...row, published: generation });
  }
}
