// What one step of a rollout knows before it judges: the file as it was started, the ledger, and what every device is known by.
import type { BusinessRecord } from '../../shared/measure/business.ts';
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { RolloutSpec } from '../../shared/rollout/rollout-file.ts';
import { asksForBusiness, servingOf } from '../business/business-rows.ts';
import type { AssessedDevice } from '../core/assess.ts';
import type { PersonRequest } from '../core/decide.ts';
import { isOut } from '../core/factory-scope.ts';
import { keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import { type LedgerRow, readLedger } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { readSpec } from './read-spec.ts';
import { killOf, readActiveKills, readReverted, readWaitsFor } from './readings.ts';
import type { Rollout } from './rollout-rows.ts';
import type { WindowReader } from './window-reader.ts';

export type StepInput = {
  readonly rollout: Rollout;
  readonly devices: readonly Device[];
  readonly windows: WindowReader;
  readonly request: PersonRequest | null;
  readonly nowMs: number;
};

export type Situation = StepInput & {
  readonly spec: RolloutSpec;
  readonly guardrails: readonly Guardrail[];
  readonly ledger: readonly LedgerRow[];
  readonly known: readonly AssessedDevice[];
  readonly kill: string | null;
  readonly revertedAtMs: ReadonlyMap<string, number>;
  /** Rollouts in whose place it was started and that have not ended, in words. */
  readonly waitsFor: string | null;
};

export async function readSituation(parts: RolloutParts, input: StepInput): Promise<Situation> {
  const { rollout, devices, windows } = input;
  const ledger = await readLedger(parts.database, rollout.id, rollout.plan);
  const { spec, guardrails } = await readSpec(parts, rollout);
  const reverted = await readReverted(parts.database, rollout.candidate.digest, rollout.progress.incidentsSinceMs);
  const byKey = new Map(devices.map((device) => [keyOf(device), device]));
  const asks = asksForBusiness(guardrails);
  const business = asks ? await windows.business(parts.database, ledger.map(servingOf)) : null;
  const known = ledger.map((row) => assessedOf(row, { device: byKey.get(keyOf(row)), reverted, business }));
  const kill = killOf(await readActiveKills(parts.database), rollout);
  const waitsFor = rollout.state === 'scheduled' ? await readWaitsFor(parts.database, rollout) : null;
  return { ...input, spec, guardrails, ledger, known, kill, revertedAtMs: reverted, waitsFor };
}

type Sources = {
  readonly device: Device | undefined;
  readonly reverted: ReadonlyMap<string, number>;
  /** Null: no guardrail asks for it. */
  readonly business: ReadonlyMap<string, readonly BusinessRecord[]> | null;
};

function assessedOf(row: LedgerRow, { device, reverted, business }: Sources): AssessedDevice {
  const { site, device: name, hardwareClass, line, baseline } = row;
  return {
    ...row,
    // Who has not had the time to come back to a control plane that has just started is not away.
    online: device !== undefined && (device.online || device.isAwaited === true),
    lastSeenAtMs: device?.lastSeenAtMs ?? 0,
    reported: device?.reported ?? null,
    hasRevertEvent: reverted.has(keyOf(row)),
    history: {
      ...{ site, device: name, hardwareClass, line, baselineDigest: baseline.digest },
      // Its windows were added up (window-reader.ts); they are not at hand.
      ...{ before: [], since: [] },
      ...(business === null ? {} : { business: business.get(keyOf(row)) ?? [] }),
      servesSinceMs: servingOf(row).servesSinceMs,
    },
  };
}

/** A factory that went back, and a device that is pinned, drained or retired, is neither judged nor compared with. */
export function onlyTakingPart(situation: Situation): Situation {
  const { factoriesOut } = situation.rollout.progress;
  const { ledger, known } = situation;
  const isIn = ledger.map((row) => !isOut(factoriesOut, row) && !row.aside);
  if (isIn.every((is) => is)) return situation;
  return { ...situation, ledger: ledger.filter((_, i) => isIn[i]), known: known.filter((_, i) => isIn[i]) };
}

/** Of the way back: factories that are out return as well; who is set aside proves nothing there. */
export function withoutAside(situation: Situation): Situation {
  const { ledger, known } = situation;
  if (ledger.every(({ aside }) => !aside)) return situation;
  const isIn = (_: unknown, i: number): boolean => !ledger[i]?.aside;
  return { ...situation, ledger: ledger.filter(isIn), known: known.filter(isIn) };
}
