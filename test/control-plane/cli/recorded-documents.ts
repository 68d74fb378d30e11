// Documents of the HTTP API as a small fleet in the middle of a rollout gives them; each is checked by the API's own schema.
import type { z } from 'zod';
import { deviceSchema } from '../../../shared/protocol/api-devices.ts';
import { killSchema } from '../../../shared/protocol/api-kills.ts';
import { checkReportSchema, registeredSchema, releaseSchema } from '../../../shared/protocol/api-releases.ts';
import { rolloutSummarySchema, rolloutViewSchema } from '../../../shared/protocol/api-rollouts.ts';
import { statusReportSchema } from '../../../shared/protocol/api-status.ts';
import { reportedSchema } from '../../../shared/protocol/reports.ts';
import { planSchema } from '../../../shared/rollout/plan.ts';
import { verdictSchema } from '../../../shared/rollout/verdict.ts';

export const NOW_MS = 1_790_000_000_000;
const MINUTE_MS = 60_000;
const DIGESTS = { baseline: 'a'.repeat(64), candidate: 'b'.repeat(64), file: 'c'.repeat(64) };
export const BASELINE = { release: 'cv-detector:1.8.2+data=b4f7a1', digest: DIGESTS.baseline };
export const CANDIDATE = { release: 'cv-detector:2.0.0+data=3ce470', digest: DIGESTS.candidate };
const OWNERS = { primary: 'vision team', backup: 'on-call', approvers: [], notify: [] };

type Part<T extends z.ZodType> = Partial<z.input<T>>;

export function verdict(part: Part<typeof verdictSchema> = {}) {
  return verdictSchema.parse({
    guardrail: 'latency',
    title: 'p95 latency',
    limitText: '≤ +10 %',
    enforce: 'rollback',
    verdict: 'inconclusive',
    sentence: 'p95 latency +4.1 % may still break its limit ≤ +10 %',
    n: 2,
    controls: 4,
    level: 'hardware',
    spread: 'between devices',
    estimate: 4.1,
    low: -1,
    high: 11.2,
    limitLow: null,
    limitHigh: 10,
    unit: '%',
    count: 4820,
    minimums: [],
    excluded: {},
    blind: [],
    ...part,
  });
}

const ERRORS = verdict({
  guardrail: 'errors',
  title: 'error rate',
  limitText: '≤ 0.5 %',
  verdict: 'pass',
  estimate: 0.21,
  low: 0.1,
  high: 0.38,
  limitHigh: 0.5,
});
const RECALL = verdict({
  guardrail: 'recall',
  title: 'golden recall',
  limitText: '≥ -1 pt',
  verdict: 'no-data',
  n: 0,
  count: 0,
  estimate: null,
  low: null,
  high: null,
  unit: 'pt',
});

const stage = (name: string, status: 'done' | 'current' | 'pending', part: object) => ({
  name,
  mode: 'serve',
  percent: 5,
  count: null,
  devices: 1,
  bakeMs: 60 * MINUTE_MS,
  extend: { times: 2, eachMs: 30 * MINUTE_MS },
  promote: 'auto',
  status,
  startedAtMs: null,
  endedAtMs: null,
  ...part,
});

export function summary(part: Part<typeof rolloutSummarySchema> = {}) {
  return rolloutSummarySchema.parse({
    id: 'ro-7q2',
    name: 'detector-2',
    state: 'running',
    phase: 'baking',
    killed: null,
    candidate: CANDIDATE,
    status: 'baking at first: 37 of 60 min',
    stage: 'first',
    stageIndex: 1,
    stageCount: 4,
    createdAtMs: NOW_MS - 90 * MINUTE_MS,
    endedAtMs: null,
    ...part,
  });
}

export function rollout(part: Part<typeof rolloutViewSchema> = {}) {
  return rolloutViewSchema.parse({
    ...summary(),
    nowMs: NOW_MS,
    version: 3,
    owners: OWNERS,
    baselines: [{ ...BASELINE, devices: 6 }],
    stages: [
      stage('shadow', 'done', { mode: 'shadow', percent: 100, devices: 6, bakeMs: 30 * MINUTE_MS }),
      stage('first', 'current', { percent: null, count: 1 }),
      stage('half', 'pending', { percent: 50, bakeMs: 120 * MINUTE_MS }),
      stage('full', 'pending', { percent: 100, bakeMs: 24 * 60 * MINUTE_MS }),
    ],
    nextDecisionAtMs: NOW_MS + 23 * MINUTE_MS,
    extensionsUsed: 0,
    holdReason: null,
    exposure: { assigned: 2, reachable: 2, exposed: 2, reporting: 2, evaluated: 1, reverted: 0, dark: 0 },
    controls: 4,
    factories: [
      { site: 'plant-a', devices: 3, candidate: 1, exposed: 1, controls: 2, online: 3, reverted: 0, byHardware: {} },
      { site: 'plant-b', devices: 3, candidate: 1, exposed: 1, controls: 2, online: 3, reverted: 0, byHardware: {} },
    ],
    devices: [],
    guardrails: [verdict(), ERRORS, RECALL],
    decisions: [
      decision({ seq: 2, kind: 'promote', reason: 'every guardrail of shadow passes', atMs: NOW_MS - 37 * MINUTE_MS }),
      decision({ seq: 1, kind: 'start', reason: 'monthly retraining', actor: 'lead', atMs: NOW_MS - 90 * MINUTE_MS }),
    ],
    fileText: 'name: detector-2\n',
    fileHash: DIGESTS.file,
    planHash: DIGESTS.file,
    statisticsVersion: 'device-paired-t/1',
    ...part,
  });
}

function decision(part: object) {
  return {
    seq: 1,
    atMs: NOW_MS,
    kind: 'hold',
    rule: 'guardrail',
    actor: 'belay',
    reason: '',
    fromState: 'running',
    toState: 'running',
    stage: 'first',
    ...part,
  };
}

export function plan(part: Part<typeof planSchema> = {}) {
  const planned = (name: string, percent: number, devices: readonly string[][]) => ({
    name,
    mode: percent === 100 ? 'serve' : 'shadow',
    bakeMs: 60 * MINUTE_MS,
    extend: { times: 2, eachMs: 30 * MINUTE_MS },
    promote: 'auto',
    sites: devices.map((of, i) => ({ site: `plant-${'ab'[i]}`, eligible: 2, devices: of })),
    devices: devices.flat().length,
    controls: 4 - devices.flat().length,
  });
  return planSchema.parse({
    v: 1,
    name: 'detector-2',
    candidate: CANDIDATE,
    baselines: [{ ...BASELINE, devices: 4 }],
    owners: OWNERS,
    salt: 'salt',
    devices: [],
    excluded: [],
    stages: [
      planned('first', 50, [['cam-a1'], []]),
      planned('full', 100, [
        ['cam-a1', 'cam-a2'],
        ['cam-b1', 'cam-b2'],
      ]),
    ],
    guardrails: [{ id: 'latency', title: 'p95 latency', limitText: '≤ +10 %', enforce: 'rollback', stages: ['first'] }],
    readiness: [{ fact: 'release registered', ok: true, detail: 'registered 2 d ago' }],
    refusals: [],
    warnings: [],
    soonestMs: 120 * MINUTE_MS,
    fileHash: DIGESTS.file,
    plannedAtMs: NOW_MS,
    hash: DIGESTS.file,
    ...part,
  });
}

const HEADER = { v: 1, site: 'plant-a', device: 'cam-a1', boot: 'boot-0001' };

export function reported(part: Part<typeof reportedSchema> = {}) {
  return reportedSchema.parse({
    ...HEADER,
    atMs: NOW_MS,
    agentVersion: '0.1.0',
    hardwareClass: 'linux-x64',
    line: 'brackets-1',
    generation: 4,
    killEpoch: 0,
    phase: 'candidate',
    serving: CANDIDATE,
    servedFrames: 100,
    servingBecause: 'the candidate is desired, proven and within its limits',
    committed: BASELINE,
    previous: null,
    candidate: { ...CANDIDATE, role: 'serve', state: 'serving' },
    mode: 'warm',
    provider: { asked: 'cpu', used: 'cpu' },
    proofs: [],
    quarantine: [],
    kills: [],
    blocked: [],
    refused: {},
    ...part,
  });
}

export function device(part: Part<typeof deviceSchema> = {}) {
  return deviceSchema.parse({
    site: 'plant-a',
    device: 'cam-a1',
    hardwareClass: 'linux-x64',
    line: 'brackets-1',
    online: true,
    firstSeenAtMs: NOW_MS - 90 * MINUTE_MS,
    lastSeenAtMs: NOW_MS - 4000,
    boot: 'boot-0001',
    hello: null,
    reported: reported(),
    desired: null,
    ...part,
  });
}

export function kill(part: Part<typeof killSchema> = {}) {
  return killSchema.parse({
    id: 'k-1',
    scope: { kind: 'fleet' },
    reason: 'misses cracks',
    actor: 'lead',
    epoch: 7,
    raisedAtMs: NOW_MS - MINUTE_MS,
    active: true,
    clearedAtMs: null,
    clearedBy: null,
    clearedReason: null,
    sent: 6,
    acknowledged: 5,
    reverted: 2,
    p50Ms: 41.2,
    p99Ms: 88.6,
    maxMs: 88.6,
    stragglers: [],
    offline: [{ site: 'plant-c', device: 'cam-c2' }],
    acks: [],
    leavesAlone: null,
    recorded: true,
    ...part,
  });
}

export function status(part: Part<typeof statusReportSchema> = {}) {
  const site = (name: string) => ({
    site: name,
    devices: 3,
    online: 3,
    onTrial: 1,
    blocked: 0,
    killed: 0,
    behind: 0,
  });
  return statusReportSchema.parse({
    nowMs: NOW_MS,
    startedAtMs: NOW_MS - 90 * MINUTE_MS,
    version: '0.1.0',
    mqttUrl: 'mqtt://127.0.0.1:7421',
    apiUrl: 'http://127.0.0.1:7420',
    devices: { total: 6, online: 6 },
    sites: [site('plant-a'), site('plant-b')],
    releases: [
      { ...BASELINE, serving: 4, committed: 6 },
      { ...CANDIDATE, serving: 2, committed: 0 },
    ],
    rollouts: [summary()],
    kills: [],
    refused: { total: 0, byKind: {}, last: [] },
    telemetry: { stored: 10, duplicates: 0, commits: 2, failures: 0 },
    messaging: {},
    ...part,
  });
}

export function release(part: Part<typeof releaseSchema> = {}) {
  return releaseSchema.parse({
    id: CANDIDATE.release,
    digest: CANDIDATE.digest,
    name: 'cv-detector',
    version: '2.0.0',
    dataTag: '3ce470',
    task: 'detection',
    owner: 'vision team',
    changelog: 'Retrained on 2,800 labelled frames.',
    state: 'registered',
    registeredAtMs: NOW_MS,
    registeredBy: 'lead',
    bytes: 816_338,
    manifest: { schema: 'belay.model/1' },
    notes: [{ atMs: NOW_MS, actor: 'lead', kind: 'registered', text: 'registered', rolloutId: null }],
    ...part,
  });
}

export function report(part: Part<typeof checkReportSchema> = {}) {
  return checkReportSchema.parse({
    ok: true,
    id: CANDIDATE.release,
    digest: CANDIDATE.digest,
    findings: [{ check: 'operators', ok: true, path: '', message: '7 operators, all known' }],
    next: { version: '2.0.0', bump: 'major', because: 'the labels changed' },
    ...part,
  });
}

export function registered(part: Part<typeof registeredSchema> = {}) {
  return registeredSchema.parse({ created: true, release: release(), report: report(), ...part });
}
