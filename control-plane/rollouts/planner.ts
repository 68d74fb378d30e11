// From a rollout file to a plan: looks up the release, the devices and what stands in the way. Writes nothing.

import { asideOf } from '../../shared/protocol/duty.ts';
import { ENDED } from '../../shared/protocol/rollout-states.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { expandGuardrails, type Guardrail } from '../../shared/rollout/guardrails.ts';
import { describeLease } from '../../shared/rollout/lease-section.ts';
import type { Plan, Readiness } from '../../shared/rollout/plan.ts';
import { type FileProblem, readRolloutFile } from '../../shared/rollout/read-rollout-file.ts';
import type { CohortSpec, RolloutFile } from '../../shared/rollout/rollout-file.ts';
import { coveringKill } from '../core/kill-cover.ts';
import { buildPlan, type PlanFacts, type PlanFactsDevice } from '../core/plan.ts';
import { readiness } from '../core/readiness.ts';
import { keyOf } from '../core/stages.ts';
import type { Device } from '../devices/device.ts';
import { windowsBetween } from '../telemetry/read-telemetry.ts';
import { readCooldown } from './cooldown.ts';
import { cohortKey, hashDocument, hashText } from './hashes.ts';
import { busyDevices } from './ledger.ts';
import type { RolloutParts } from './parts.ts';
import { readReadiness } from './readiness-facts.ts';
import { readActiveKills } from './readings.ts';
import { countRollouts } from './rollout-rows.ts';

export type Planned =
  | {
      readonly kind: 'planned';
      readonly plan: Plan;
      readonly file: RolloutFile;
      readonly rolloutId: string;
      /** What the plan was made from, for who wants to make it again with other cohorts. */
      readonly facts: PlanFacts;
      readonly kill: string | null;
      readonly cooldowns: readonly string[];
      /** Rollouts that have these devices and make way; none when nobody asks for it. */
      readonly supersedes: readonly string[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly FileProblem[] };

type PlannerParts = Pick<RolloutParts, 'database' | 'registry' | 'devices' | 'wallNow'>;

/** A file with mistakes, or a candidate that nobody registered, is refused with its places; everything else is in the plan. */
export async function planRollout(
  parts: PlannerParts,
  fileText: string,
  { isDrill = false, supersede = false }: { readonly isDrill?: boolean; readonly supersede?: boolean } = {},
): Promise<Planned> {
  const read = readRolloutFile(fileText);
  if (!read.ok) return { kind: 'refused', problems: read.problems };
  const file = read.value;
  const resolved = parts.registry.resolve(file.spec.candidate);
  const release = resolved.kind === 'found' ? await parts.registry.get(resolved.ref.digest) : null;
  if (resolved.kind !== 'found' || release === null) return refuseCandidate(file, fileText, resolved);
  const number = (await countRollouts(parts.database)) + 1;
  const rolloutId = `${file.metadata.name}-${number}`;
  const salt = file.spec.cohort.salt === 'rollout' ? rolloutId : file.spec.cohort.salt.slice('fixed:'.length);
  const labels = (release.manifest as Manifest).labels.map(({ name }) => name);
  const { guardrails, problems } = expandGuardrails(file.spec, labels);
  const { clusterBy } = file.spec.cohort;
  const planned = await planDevices(parts, { salt, candidateDigest: resolved.ref.digest, clusterBy });
  const freed = supersede ? planned.map((device) => ({ ...device, busyWith: null })) : planned;
  const devices = asksForBattery(file) ? await withBattery(parts, freed) : freed;
  const kill = coveringKill(await readActiveKills(parts.database), {
    rolloutId,
    candidateDigest: resolved.ref.digest,
    sites: [...new Set(devices.map(({ site }) => site))],
    endedAtMs: null,
  });
  const cooldowns = await readCooldown(parts.database, resolved.ref.digest, parts.wallNow());
  const facts: PlanFacts = {
    file,
    fileHash: hashText(fileText),
    salt,
    candidate: { release: resolved.ref.release, digest: resolved.ref.digest },
    guardrails,
    devices,
    readiness: readinessOf(file, release.state, guardrails),
    refusals: [
      ...problems.map(({ guardrail, message }) => `guardrail ${guardrail}: ${message}`),
      ...(kill === null ? [] : [`the candidate is ${kill}`]),
      ...(isDrill || (release.manifest as Manifest).drill === undefined
        ? []
        : ['the candidate fails on purpose: only belay drill hands it to devices']),
      ...(release.state === 'withdrawn' || release.state === 'archived' ? [`the candidate is ${release.state}`] : []),
    ],
    needsOverride: cooldowns,
    gates: await gatesOf(parts, { file, release, guardrails }),
    plannedAtMs: parts.wallNow(),
  };
  const plan = buildPlan(facts, hashDocument);
  const supersedes = supersede ? holdersOf(plan, planned) : [];
  return { kind: 'planned', plan, file, rolloutId, facts, kill, cooldowns, supersedes };
}

/** Rollouts that have devices of the plan. */
function holdersOf(plan: Plan, devices: readonly PlanFactsDevice[]): readonly string[] {
  const holders = new Map(devices.map((device) => [keyOf(device), device.busyWith]));
  return [...new Set(plan.devices.flatMap((device) => holders.get(keyOf(device)) ?? []))].sort();
}

/** The same rollout with its cohorts drawn by another salt. */
export function withSalt(facts: PlanFacts, salt: string): PlanFacts {
  return {
    ...facts,
    salt,
    devices: facts.devices.map((device) => ({ ...device, key: cohortKey(salt, device.device) })),
  };
}

export function planFrom(facts: PlanFacts): Plan {
  return buildPlan(facts, hashDocument);
}

async function gatesOf(
  { database, devices, wallNow }: PlannerParts,
  known: Pick<Parameters<typeof readReadiness>[1], 'file' | 'release' | 'guardrails'>,
): Promise<ReturnType<typeof readiness>> {
  return readiness(await readReadiness(database, { ...known, devices: await devices.list(), nowMs: wallNow() }));
}

function refuseCandidate(
  file: RolloutFile,
  fileText: string,
  resolved: ReturnType<RolloutParts['registry']['resolve']>,
): Planned {
  const message =
    resolved.kind === 'ambiguous'
      ? `fits several releases (${resolved.ids.join(', ')}): add +data=<tag>`
      : `${file.spec.candidate} is not registered: register it first`;
  const lines = fileText.split('\n');
  const line = lines.findIndex((text) => /^\s*candidate:/.test(text));
  const column = (lines[line]?.indexOf('candidate:') ?? 0) + 1;
  return { kind: 'refused', problems: [{ line: line + 1, column, path: 'spec.candidate', message }] };
}

type PlanTerms = {
  readonly salt: string;
  readonly candidateDigest: string;
  readonly clusterBy: CohortSpec['clusterBy'] | undefined;
};

async function planDevices(parts: PlannerParts, terms: PlanTerms): Promise<readonly PlanFactsDevice[]> {
  const busy = await busyDevices(parts.database, ENDED);
  return planFactsOf(await parts.devices.list(), { ...terms, busy });
}

/** What is asked of a device before it may take part. */
export function planFactsOf(
  devices: readonly Device[],
  { salt, candidateDigest, clusterBy, busy }: PlanTerms & { readonly busy: ReadonlyMap<string, string> },
): readonly PlanFactsDevice[] {
  return devices.map((device) => ({
    site: device.site,
    device: device.device,
    hardwareClass: device.hardwareClass,
    line: device.line,
    online: device.online,
    baseline: baselineOf(device),
    key: cohortKey(salt, device.device),
    lineKey:
      clusterBy === 'line' && device.line !== null ? cohortKey(salt, `line ${device.site}/${device.line}`) : null,
    quarantinesCandidate: device.reported?.quarantine.some(({ digest }) => digest === candidateDigest) ?? false,
    busyWith: busy.get(`${device.site}/${device.device}`) ?? null,
    aside: asideOf(device.duty)?.sentence ?? null,
  }));
}

function asksForBattery({ spec }: RolloutFile): boolean {
  return spec.cohort.where?.clauses.some(({ kind }) => kind === 'battery') ?? false;
}

/** A battery that was last heard of longer ago may be empty by now. */
const BATTERY_AGE_MS_MAX = 15 * 60_000;

async function withBattery(
  { database, wallNow }: PlannerParts,
  devices: readonly PlanFactsDevice[],
): Promise<readonly PlanFactsDevice[]> {
  const toMs = wallNow();
  const windows = await windowsBetween(database, { devices, fromMs: toMs - BATTERY_AGE_MS_MAX, toMs });
  const batteries = new Map(windows.map(({ site, device, sensors }) => [`${site}/${device}`, sensors.batteryPct]));
  return devices.map((device) => ({ ...device, batteryPct: batteries.get(`${device.site}/${device.device}`) ?? null }));
}

function baselineOf({ reported }: Device): PlanFactsDevice['baseline'] {
  const committed = reported?.committed ?? null;
  return committed && { release: committed.release, digest: committed.digest };
}

function readinessOf(file: RolloutFile, state: string, guardrails: readonly Guardrail[]): readonly Readiness[] {
  const { owners, stages } = file.spec;
  const triggers = guardrails.filter(({ enforce }) => enforce === 'rollback').length;
  const golden = stages.some(({ mode }) => mode === 'golden');
  return [
    { fact: 'registered', ok: true, detail: `${file.spec.candidate} (${state})` },
    {
      fact: 'golden',
      ok: true,
      detail: golden
        ? 'a stage of its own, and on every device before it may answer'
        : 'on every device before it may answer',
    },
    { fact: 'leases', ok: true, detail: describeLease(file.spec.lease) },
    { fact: 'owners', ok: true, detail: `${owners.primary}, backup ${owners.backup}` },
    {
      fact: 'rollback triggers',
      ok: triggers > 0,
      detail: `${triggers} guardrail${triggers === 1 ? '' : 's'} roll back by themselves`,
    },
  ];
}
