// One incident and one release report as the control plane answers them, checked against their schemas.
import { incidentSchema } from '../../../shared/protocol/api-incidents.ts';
import { releaseReportSchema } from '../../../shared/protocol/api-reports.ts';

const AT = Date.UTC(2026, 10, 20, 6, 30, 0);
const minute = (minutes: number) => AT + minutes * 60_000;
const OLD = { release: 'cv-detector:1.8.2+data=aaaa', digest: 'b'.repeat(64) };
const NEW = { release: 'cv-detector:2.0.0+data=bbbb', digest: 'c'.repeat(64) };

const VERDICT = {
  guardrail: 'p95',
  title: 'p95 latency',
  limitText: '≤ +10 %',
  enforce: 'rollback',
  verdict: 'breach',
  sentence:
    'p95 latency +24 % breaks its limit ≤ +10 % (plausible +19 … +29 %; 2 devices against 6 controls of the same site and hardware)',
  n: 2,
  controls: 6,
  level: 'site and hardware',
  spread: 'between windows',
  estimate: 24.1,
  low: 19.2,
  high: 29.4,
  limitLow: null,
  limitHigh: 10,
  unit: '%',
  count: 3600,
  minimums: [],
  excluded: {},
  blind: [],
};

const VERIFICATION = {
  kind: 'verified',
  sentence:
    "verified: p95 latency +0.4 % against each device's own past (limit ≤ +3 %), 1 of 1 reachable devices, last 10m; offline, counted when they are back: plant-a/cam-2",
  expr: 'p95(latency_ms) <= baseline * 1.03',
  atMs: minute(40),
  checks: [
    { site: 'plant-a', device: 'cam-1', hardwareClass: 'orin-nx', change: 0.4, result: 'back', detail: '+0.4 %' },
  ],
  offline: [{ site: 'plant-a', device: 'cam-2', backAtMs: minute(55) }],
};

const HEAD = {
  id: 'i-detector-2-1-4',
  rolloutId: 'detector-2-1',
  rolloutName: 'detector-2',
  kind: 'rolled-back',
  title: VERDICT.sentence,
  candidate: NEW,
  openedAtMs: minute(26),
  closedAtMs: minute(40),
  closedBecause: '1 of 1 reachable devices answer with the release that each ran before',
  rollForward: { text: '2.0.1 with NMS on the GPU', actor: 'cv-team', atMs: minute(90) },
};

const row = (arm: string, figures: object) => ({
  site: 'plant-a',
  hardwareClass: 'orin-nx',
  arm,
  devices: 2,
  windows: 20,
  frames: 3600,
  p50Ms: 21.04,
  p95Ms: 27.31,
  p99Ms: 31.9,
  fps: 4.98,
  errors: 0,
  excluded: 1,
  ...figures,
});

export const INCIDENT = incidentSchema.parse({
  ...HEAD,
  state: 'rolled_back',
  stage: 'some',
  owners: { primary: 'vision-team', backup: 'on-call' },
  baselines: [OLD],
  decision: { seq: 4, rule: 'guardrail-breach', actor: 'belay', reason: VERDICT.sentence },
  fileHash: 'f'.repeat(64),
  planHash: 'e'.repeat(64),
  statisticsVersion: 'device-paired-t/1',
  timeline: [
    { atMs: minute(0), what: 'decision', actor: 'engineer', text: 'start at shadow: better model' },
    { atMs: minute(10), what: 'decision', actor: 'belay', text: 'promote at shadow: all 2 guardrails pass' },
    {
      atMs: minute(25),
      what: 'device',
      actor: 'plant-a/cam-1',
      text: 'reverted: latency (first baseline answer after 212 ms)',
    },
    { atMs: minute(26), what: 'decision', actor: 'belay', text: `rollback at some: ${VERDICT.sentence}` },
    { atMs: minute(40), what: 'verification', actor: 'belay', text: VERIFICATION.sentence },
    { atMs: minute(55), what: 'return', actor: 'plant-a/cam-2', text: 'back on its own release' },
    { atMs: minute(90), what: 'note', actor: 'cv-team', text: 'roll forward: 2.0.1 with NMS on the GPU' },
  ],
  timelineOmitted: 0,
  verdicts: [VERDICT],
  telemetry: [
    row('before', {}),
    row('candidate', { p95Ms: 33.92, errors: 2 }),
    row('shadow', { fps: null, p99Ms: null }),
  ],
  devices: [
    {
      site: 'plant-a',
      device: 'cam-1',
      hardwareClass: 'orin-nx',
      role: 'serve',
      stage: 'some',
      activatedAtMs: minute(11),
      baseline: OLD,
      outcome: `answered with the candidate; back on ${OLD.release}, +0.4 % against its past`,
    },
    {
      site: 'plant-a',
      device: 'cam-2',
      hardwareClass: 'orin-nx',
      role: 'serve',
      stage: 'some',
      activatedAtMs: null,
      baseline: OLD,
      outcome: 'was told of the candidate, never had it; back on its own release later',
    },
    {
      site: 'plant-a',
      device: 'cam-3',
      hardwareClass: 'orin-nx',
      role: 'none',
      stage: null,
      activatedAtMs: null,
      baseline: OLD,
      outcome: 'stayed on its release',
    },
  ],
  people: [
    { actor: 'engineer', did: ['start at shadow: better model'] },
    { actor: 'cv-team', did: ['roll forward: 2.0.1 with NMS on the GPU'] },
  ],
  verification: VERIFICATION,
  notes: [{ atMs: minute(90), actor: 'cv-team', text: 'roll forward: 2.0.1 with NMS on the GPU' }],
});

export const RELEASE_REPORT = releaseReportSchema.parse({
  release: NEW,
  state: 'registered',
  owner: 'vision-team',
  changelog: 'better on small cracks',
  registeredAtMs: minute(-60),
  card: {
    license: ['apache-2.0'],
    datasets: ['weld-cracks-2026'],
    metrics: ['map'],
    tags: [],
    baseModels: ['cv-detector:1.8.2'],
    results: [
      { model: 'cv-detector', task: 'object-detection', dataset: 'weld-cracks-2026', metric: 'map50', value: 0.91 },
    ],
    text: '# Small cracks\n\nTrained on pictures of line 4\nand line 5.\n\n## Limits\n- not for wet steel\n- not <b>below</b> 200 lux\n',
  },
  notes: [
    { atMs: minute(-60), actor: 'ci', kind: 'registered', text: 'better on small cracks', rolloutId: null },
    {
      atMs: minute(40),
      actor: 'belay',
      kind: 'rolled-back',
      text: 'rolled-back in rollout detector-2-1 at stage some',
      rolloutId: 'detector-2-1',
    },
  ],
  rollouts: [
    {
      id: 'detector-2-1',
      name: 'detector-2',
      state: 'rolled_back',
      candidate: NEW,
      baselines: [OLD],
      owners: { primary: 'vision-team', backup: 'on-call' },
      summary: VERDICT.sentence,
      startedAtMs: minute(0),
      endedAtMs: minute(40),
      stages: [
        { name: 'shadow', mode: 'shadow', startedAtMs: minute(0), endedAtMs: minute(10) },
        { name: 'some', mode: 'serve', startedAtMs: minute(10), endedAtMs: minute(26) },
        { name: 'full', mode: 'serve', startedAtMs: null, endedAtMs: null },
      ],
      exposure: [{ site: 'plant-a', hardwareClass: 'orin-nx', devices: 8, proved: 0, shadowed: 6, served: 2 }],
      guardrails: [{ stage: 'some', seq: 4, atMs: minute(26), verdict: VERDICT }],
      slices: [
        {
          stage: 'some',
          guardrail: 'p95',
          title: 'p95 latency',
          limitText: '≤ +10 %',
          unit: '%',
          site: 'plant-b',
          hardwareClass: 'x86',
          devices: 2,
          controls: 3,
          estimate: 9.96,
          low: 9.5,
          high: 10.4,
          within: true,
        },
        {
          stage: 'some',
          guardrail: 'p95',
          title: 'p95 latency',
          limitText: '≤ +10 %',
          unit: '%',
          site: 'plant-a',
          hardwareClass: 'orin-nx',
          devices: 2,
          controls: 6,
          estimate: 24.1,
          low: 20,
          high: 28,
          within: false,
        },
      ],
      timeline: [
        {
          seq: 4,
          atMs: minute(26),
          kind: 'rollback',
          rule: 'guardrail-breach',
          actor: 'belay',
          reason: VERDICT.sentence,
          fromState: 'running',
          toState: 'rolling_back',
          stage: 'some',
        },
      ],
      incidents: [HEAD],
      verification: VERIFICATION,
      fileHash: 'f'.repeat(64),
      planHash: 'e'.repeat(64),
      statisticsVersions: ['device-paired-t/1'],
    },
  ],
});
