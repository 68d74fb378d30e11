// What a control plane finds in its database at its start: devices that have reported, and rollouts that have ended.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Database } from '../../control-plane/database/database.ts';
import { insertRollout } from '../../control-plane/rollouts/rollout-rows.ts';
import { DEFAULT_LIMITS } from '../../shared/protocol/limits.ts';
import type { Hello, Reported } from '../../shared/protocol/reports.ts';
import type { Plan } from '../../shared/rollout/plan.ts';

const FILE = path.join(import.meta.dirname, '../examples/plans/plan-1-detector.yaml');
const SITES = 4;
const HOUR_MS = 3_600_000;
const OLD = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: 'a'.repeat(64) };
const NEW = { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) };

export async function storeDevices(database: Database, count: number): Promise<void> {
  const nowMs = Date.now();
  for (let number = 0; number < count; number += 1) {
    const address = addressOf(number);
    const rows = { ...address, hardware_class: 'orin-nx', line: 'line-1', boot: 'bench-boot', online: 1 };
    const reports = { hello: JSON.stringify(helloOf(number)), reported: JSON.stringify(reportedOf(number, nowMs)) };
    const times = { first_seen_at_ms: nowMs - HOUR_MS, last_seen_at_ms: nowMs };
    await database
      .insertInto('devices')
      .values({ ...rows, ...reports, ...times })
      .execute();
    const desired = { v: 1, ...address, generation: 1, issuedAtMs: nowMs, baseline: OLD, candidate: null };
    const document = JSON.stringify({ ...desired, cohortId: 'baseline', limits: DEFAULT_LIMITS, liftQuarantine: [] });
    await database
      .insertInto('desired_state')
      .values({ ...address, generation: 1, document, issued_at_ms: nowMs, published_generation: 0 })
      .execute();
  }
}

/** Each over so many devices, with six stages. */
export async function storeRollouts(database: Database, count: number, devices: number): Promise<void> {
  const fileText = readFileSync(FILE, 'utf8');
  const nowMs = Date.now();
  for (let number = 0; number < count; number += 1) {
    const name = `detector-2-0-${number}`;
    const createdAtMs = nowMs - (count - number) * HOUR_MS;
    await insertRollout(database, {
      id: `ro-${String(number).padStart(4, '0')}`,
      name,
      state: 'completed',
      version: 7,
      candidate: NEW,
      createdAtMs,
      endedAtMs: createdAtMs + HOUR_MS,
      // As people write them: no two files are the same.
      fileText: fileText.replace('detector-2-0-0', name),
      fileHash: String(number).padStart(64, '0'),
      revision: 1,
      plan: planOf(name, devices, createdAtMs),
      progress: {
        stageIndex: 5,
        phase: 'committing',
        stageStartedAtMs: createdAtMs,
        bakingSinceMs: null,
        lookAtMs: null,
        extensionsUsed: 0,
        holdKind: null,
        reason: 'every stage is done, and every device has committed it',
        breachingSince: {},
        incidentsSinceMs: 0,
        acknowledgedReverts: [],
        stageTimes: [{ startedAtMs: createdAtMs, endedAtMs: createdAtMs + HOUR_MS }],
        endAs: 'rolled_back',
        startedBy: 'quality-lead',
        startedAtMs: createdAtMs,
        approvals: [],
        heldSinceMs: null,
        factoriesOut: [],
      },
    });
  }
}

function addressOf(number: number): { readonly site: string; readonly device: string } {
  return { site: `plant-${(number % SITES) + 1}`, device: `cam-${String(number).padStart(5, '0')}` };
}

function helloOf(number: number): Hello {
  const header = { v: 1 as const, ...addressOf(number), boot: 'bench-boot' };
  const what = { agentVersion: '1.0.0', hardwareClass: 'orin-nx', line: 'line-1' };
  return { ...header, ...what, generation: 1, killEpoch: 0, seq: 40, lease: null };
}

function reportedOf(number: number, nowMs: number): Reported {
  return {
    v: 1,
    ...addressOf(number),
    boot: 'bench-boot',
    atMs: nowMs,
    agentVersion: '1.0.0',
    hardwareClass: 'orin-nx',
    line: 'line-1',
    generation: 1,
    killEpoch: 0,
    desiredInForce: true,
    phase: 'baseline',
    serving: OLD,
    servedFrames: 100_000 + number,
    servingBecause: 'no candidate is desired',
    committed: OLD,
    previous: null,
    candidate: null,
    mode: 'warm',
    modeBecause: 'both fit: 2.1 GB are free',
    swapMs: null,
    lease: null,
    hardware: null,
    provider: null,
    proofs: [],
    quarantine: [],
    kills: [],
    sinks: [],
    blocked: [],
    refused: {},
  };
}

function planOf(name: string, count: number, plannedAtMs: number): Plan {
  const addresses = Array.from({ length: count }, (_, number) => addressOf(number));
  const bySite = Object.entries(Object.groupBy(addresses, ({ site }) => site));
  const bake = { mode: 'serve' as const, bakeMs: HOUR_MS, extend: { times: 2, eachMs: HOUR_MS } };
  const promote = { promote: 'auto' as const, approvals: 0, holdbackPct: 0 };
  const stages = ['selftest', 'shadow', 'first', 'quarter', 'half', 'full'].map((stage) => ({
    name: stage,
    ...bake,
    ...promote,
    sites: bySite.map(([site, all = []]) => ({ site, eligible: all.length, devices: all.map((one) => one.device) })),
    devices: count,
    controls: 0,
  }));
  return {
    v: 1,
    name,
    labels: {},
    ticket: null,
    candidate: NEW,
    baselines: [{ ...OLD, devices: count }],
    owners: { primary: 'vision-team', backup: 'on-call-vision', approvers: ['quality-lead'], notify: [] },
    salt: name,
    devices: addresses.map((address, position) => ({
      ...address,
      ...{ hardwareClass: 'orin-nx', line: 'line-1', position, baseline: OLD, pin: null, online: true, blocked: [] },
    })),
    excluded: [],
    stages,
    guardrails: [],
    readiness: [],
    refusals: [],
    warnings: [],
    soonestMs: HOUR_MS,
    fileHash: 'c'.repeat(64),
    plannedAtMs,
    closed: null,
    needsOverride: [],
    gates: [],
    hash: 'd'.repeat(64),
  };
}
