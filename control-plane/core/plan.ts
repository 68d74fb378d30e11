// The plan of a rollout: who, when, back to what, and what stands in the way. Facts in, plain JSON out; nothing is started here.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { warningTexts } from '../../shared/rollout/file-warnings.ts';
import { appliesTo, type Guardrail } from '../../shared/rollout/guardrails.ts';
import { leaseWarnings } from '../../shared/rollout/lease-section.ts';
import type { Gate, Plan, PlanDevice, PlanStage, Readiness } from '../../shared/rollout/plan.ts';
import type { CohortSpec, RolloutFile } from '../../shared/rollout/rollout-file.ts';
import { whyNotWhere } from '../../shared/rollout/where.ts';
import { clusterOrder, cohortOrder } from './cohorts.ts';
import { list } from './decide.ts';
import { lackingGates } from './readiness.ts';
import { closedNow } from './schedule.ts';
import { assignStage, keyOf, type LedgerDevice } from './stages.ts';

export type PlanFactsDevice = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string | null;
  readonly line: string | null;
  readonly online: boolean;
  /** What it runs and would go back to; null when it has not said. */
  readonly baseline: ReleaseRef | null;
  /** Its first 48 bits of SHA-256(salt ‖ 0x00 ‖ hardware id). */
  readonly key: number;
  /** The same of its line; asked for only with `clusterBy: line`. */
  readonly lineKey?: number | null;
  readonly quarantinesCandidate: boolean;
  /** In percent, lately; asked for only when `cohort.where` does. */
  readonly batteryPct?: number | null;
  /** Pinned, drained or retired, in words: rollouts leave it out. */
  readonly aside?: string | null;
  /** Another rollout that has not ended and has this device in its ledger. */
  readonly busyWith: string | null;
};

export type PlanFacts = {
  readonly file: RolloutFile;
  readonly fileHash: string;
  readonly salt: string;
  readonly candidate: ReleaseRef;
  readonly guardrails: readonly Guardrail[];
  readonly devices: readonly PlanFactsDevice[];
  readonly readiness: readonly Readiness[];
  /** Found before the devices were looked at: labels, kills, the release itself. */
  readonly refusals: readonly string[];
  /** Reasons against a start that a person may override. */
  readonly needsOverride?: readonly string[];
  readonly gates?: readonly Gate[];
  readonly plannedAtMs: number;
};

/** `hashOf` is SHA-256 over canonical JSON; the time of planning is not part of it. */
export function buildPlan(facts: PlanFacts, hashOf: (document: unknown) => string): Plan {
  const { file, candidate } = facts;
  const { included, excluded } = sortOut(facts);
  const devices = orderDevices(included, file.spec.cohort);
  const stages = planStages(facts, devices);
  const content = {
    v: 1 as const,
    name: file.metadata.name,
    labels: file.metadata.labels,
    ticket: file.metadata.ticket,
    candidate,
    baselines: baselinesOf(devices),
    owners: file.spec.owners,
    salt: facts.salt,
    // Left out where it says nothing, so that the hash of a plan is what it was.
    ...(file.spec.cohort.clusterBy === 'line' ? { clusterBy: 'line' as const } : {}),
    devices: devices.map(toPlanDevice),
    excluded,
    stages,
    guardrails: planGuardrails(facts),
    readiness: [...facts.readiness],
    refusals: [...facts.refusals, ...refusalsOf(devices, facts)],
    warnings: warningsOf(facts, devices),
    soonestMs: soonestOf(file),
    fileHash: facts.fileHash,
  };
  const sites = [...new Set(devices.map(({ site }) => site))];
  const { plannedAtMs, needsOverride = [], gates = [] } = facts;
  const closed = closedNow(file.spec.schedule, sites, plannedAtMs);
  return {
    ...content,
    refusals: [...content.refusals, ...(closed?.opensAtMs === null ? [`schedule: ${closed.reason}`] : [])],
    plannedAtMs,
    closed: closed?.reason ?? null,
    needsOverride: [...needsOverride, ...lackingGates(gates)],
    gates: [...gates],
    hash: hashOf(content),
  };
}

export function planGuardrails({ file, guardrails }: Pick<PlanFacts, 'file' | 'guardrails'>): Plan['guardrails'] {
  return guardrails.map((guardrail) => ({
    id: guardrail.id,
    title: guardrail.title,
    limitText: guardrail.limitText,
    enforce: guardrail.enforce,
    stages: file.spec.stages.filter((stage) => appliesTo(guardrail, stage)).map(({ name }) => name),
  }));
}

export function soonestOf({ spec }: RolloutFile): number {
  return spec.stages.reduce((total, { bake }) => total + bake + spec.analysis.settle, 0);
}

type Included = PlanFactsDevice & { readonly baseline: ReleaseRef; readonly hardwareClass: string };
type Ordered = Included & LedgerDevice & { readonly position: number };

function sortOut(facts: PlanFacts): { included: readonly Included[]; excluded: Plan['excluded'] } {
  const { cohort } = facts.file.spec;
  const inFactories = facts.devices.filter(({ site }) => cohort.factories === null || cohort.factories.includes(site));
  const excluded: Plan['excluded'] = [];
  const included: Included[] = [];
  for (const device of inFactories) {
    const { baseline, hardwareClass } = device;
    const why = whyExcluded(device, facts);
    if (why === null && baseline !== null && hardwareClass !== null)
      included.push({ ...device, baseline, hardwareClass });
    else excluded.push({ site: device.site, device: device.device, why: why ?? 'has not reported what it runs' });
  }
  return { included, excluded };
}

export function whyExcluded(
  device: PlanFactsDevice,
  {
    file,
    candidate,
  }: { readonly file: { readonly spec: Pick<RolloutFile['spec'], 'cohort'> }; readonly candidate: ReleaseRef },
): string | null {
  const { exclude, where } = file.spec.cohort;
  if (device.aside != null) return device.aside;
  if (exclude.devices.includes(device.device)) return 'excluded by name';
  const line = device.line;
  if (line !== null && exclude.lines.some((pattern) => matchesLine(pattern, line))) return `line ${line} is excluded`;
  if (device.baseline === null || device.hardwareClass === null) return 'has not reported what it runs';
  if (nameOf(device.baseline) !== nameOf(candidate)) return `runs another model (${device.baseline.release})`;
  if (device.baseline.digest === candidate.digest) return 'runs the candidate already';
  const { hardwareClass: hw, site, online, batteryPct: battery = null } = device;
  return where === null ? null : whyNotWhere(where.clauses, { hw, site, line, online, battery });
}

/** `*` stands for any letters, `?` for one. In steps of the line's letters, never again over what was tried: no pattern is slow. */
function matchesLine(pattern: string, line: string): boolean {
  let reached = new Set([0]);
  for (const letter of pattern) {
    const next = new Set<number>();
    for (const at of reached) {
      if (letter === '*') for (let end = at; end <= line.length; end += 1) next.add(end);
      else if (at < line.length && (letter === '?' || letter === line[at])) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(line.length);
}

function nameOf({ release }: ReleaseRef): string {
  return release.split(':', 1)[0] ?? release;
}

function orderDevices(included: readonly Included[], cohort: CohortSpec): readonly Ordered[] {
  const sites = [...new Set(included.map(({ site }) => site))].sort();
  return sites.flatMap((site) => {
    const members = included.filter((device) => device.site === site);
    const pinOf = (device: string): PlanDevice['pin'] =>
      cohort.pin.candidate.includes(device) ? 'candidate' : cohort.pin.baseline.includes(device) ? 'baseline' : null;
    const withPins = members.map((member) => {
      const { line, lineKey = null } = member;
      const cluster = line === null || lineKey === null ? null : { name: line, key: lineKey };
      return { ...member, pin: pinOf(member.device), role: 'none' as const, cluster };
    });
    const unpinned = withPins.filter(({ pin }) => pin === null);
    const free = cohort.clusterBy === 'line' ? clusterOrder(unpinned) : cohortOrder(unpinned);
    const order = [
      ...withPins.filter(({ pin }) => pin === 'candidate'),
      ...free,
      ...withPins.filter(({ pin }) => pin === 'baseline'),
    ];
    return order.map((member, position) => ({ ...member, cluster: member.cluster?.name ?? null, position }));
  });
}

/** Stage by stage on a growing ledger, as the rollout itself will do it. */
export function planStages(
  { file }: Pick<PlanFacts, 'file'>,
  devices: readonly (LedgerDevice & Pick<PlanDevice, 'device'>)[],
): PlanStage[] {
  let ledger: readonly LedgerDevice[] = devices;
  return file.spec.stages.map((stage) => {
    const roles = assignStage(stage, ledger, file.spec.cohort.minPerFactory);
    ledger = ledger.map((device) => ({ ...device, role: roles.get(keyOf(device)) ?? 'none' }));
    const assigned = ledger.filter(({ role }) => role !== 'none');
    const sites = [...new Set(ledger.map(({ site }) => site))].map((site) => ({
      site,
      eligible: ledger.filter((device) => device.site === site && device.pin !== 'baseline').length,
      devices: assigned.filter((device) => device.site === site).map(({ device }) => device),
    }));
    return {
      name: stage.name,
      mode: stage.mode,
      bakeMs: stage.bake,
      extend: stage.extend,
      promote: stage.promote,
      approvals: stage.approvals,
      holdbackPct: stage.holdback,
      sites,
      devices: assigned.length,
      controls: ledger.length - assigned.length,
    };
  });
}

function baselinesOf(devices: readonly Ordered[]): Plan['baselines'] {
  const counts = new Map<string, { release: string; digest: string; devices: number }>();
  for (const { baseline } of devices) {
    const { release, digest } = baseline;
    counts.set(digest, { release, digest, devices: (counts.get(digest)?.devices ?? 0) + 1 });
  }
  return [...counts.values()].toSorted((a, b) => b.devices - a.devices);
}

function toPlanDevice({
  site,
  device,
  hardwareClass,
  line,
  position,
  baseline,
  pin,
  online,
  quarantinesCandidate,
}: Ordered): PlanDevice {
  const blocked = [
    ...(online ? [] : ['not reachable now']),
    ...(quarantinesCandidate ? ['has quarantined the candidate'] : []),
  ];
  return { site, device, hardwareClass, line, position, baseline, pin, online, blocked };
}

function refusalsOf(devices: readonly Ordered[], { file }: PlanFacts): readonly string[] {
  const refusals: string[] = [];
  const free = devices.filter(({ pin }) => pin !== 'baseline');
  if (free.length === 0) refusals.push('no device may take part: see excluded');
  const busy = new Map(devices.flatMap(({ device, busyWith }) => (busyWith === null ? [] : [[device, busyWith]])));
  if (busy.size > 0)
    refusals.push(
      `rollout ${[...new Set(busy.values())].join(', ')} has not ended on ${list([...busy.keys()])}; end it first: ${[...new Set(busy.values())].map((id) => `belay rollout rollback ${id} --reason …`).join(', ')}, or start this one with --supersede`,
    );
  refusals.push(...tornLines(devices, file.spec.cohort));
  const sites = new Set(devices.map(({ site }) => site));
  for (const factory of file.spec.cohort.factories ?? []) {
    if (!sites.has(factory)) refusals.push(`factory ${factory} has no device that may take part`);
  }
  return refusals;
}

/** Cameras that must agree cannot be pinned apart. */
function tornLines(devices: readonly Ordered[], { clusterBy }: CohortSpec): readonly string[] {
  if (clusterBy !== 'line') return [];
  const lines = new Map<string, Set<string | null>>();
  for (const { site, line, pin } of devices)
    if (line !== null) lines.set(`${site}/${line}`, (lines.get(`${site}/${line}`) ?? new Set()).add(pin));
  return [...lines]
    .filter(([, pins]) => pins.size > 1)
    .map(([line]) => `clusterBy: line keeps ${line} together, and pin tears it apart: pin all of its devices or none`);
}

function warningsOf({ file, devices: all }: PlanFacts, devices: readonly Ordered[]): string[] {
  const known = new Set(all.map(({ device }) => device));
  const { pin, exclude } = file.spec.cohort;
  const named = [...pin.candidate, ...pin.baseline, ...exclude.devices];
  const offline = devices.filter(({ online }) => !online);
  const last = file.spec.stages.at(-1);
  return [
    ...named.filter((device) => !known.has(device)).map((device) => `no device is called ${device}`),
    ...warningTexts(file),
    ...leaseWarnings(file.spec.lease),
    ...Object.keys(file.spec.lease.sites)
      .filter((site) => devices.every((device) => device.site !== site))
      .map((site) => `lease.sites: no device of ${site} takes part`),
    ...(offline.length > 0 ? [`${offline.length} of ${devices.length} devices are not reachable now`] : []),
    ...(last && last.holdback > 0
      ? [`stage ${last.name} holds back ${last.holdback} % as controls; they get the candidate when it completes`]
      : []),
    ...(last && last.holdback === 0 && devices.every((device) => device.pin !== 'baseline')
      ? [`stage ${last.name} leaves no controls: its devices are compared with their own past only`]
      : []),
  ];
}
