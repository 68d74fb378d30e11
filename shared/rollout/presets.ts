// Presets: a whole rollout file from a release and its owners, with comments, to be started as it stands or saved and edited.
// The text is what is stored: a preset leaves no trace that a file of the same words would not leave.
import { parseReleaseReference } from '../release/identity.ts';

export const PRESETS = ['cautious', 'standard', 'fast'] as const;
export type Preset = (typeof PRESETS)[number];

export type PresetRequest = {
  readonly preset: Preset;
  /** A release, or a short reference to one. */
  readonly candidate: string;
  readonly name: string;
  readonly owner: string;
  readonly backup: string;
};

/** The name of the schema beside a rollout file, as editors look for it. */
export const SCHEMA_FILE_NAME = 'rollout-file.schema.json';

type PresetRule = {
  readonly summary: string;
  readonly stages: readonly string[];
  readonly limits: Readonly<Record<'p95' | 'p99' | 'fps' | 'errors' | 'dropped' | 'lost' | 'wrong' | 'map', string>>;
  readonly recall: string;
  readonly leaseTtl: string;
  readonly deviceReverts: string;
};

/** What most models must keep; a careful preset asks for more. */
const USUAL_LIMITS = {
  p95: 'baseline * 1.10',
  p99: 'baseline * 1.20 for 10m',
  fps: 'baseline * 0.95',
  errors: '0.5 %',
  dropped: '2 %',
  lost: '10 %',
  wrong: '5 %',
  map: 'baseline - 3 pt',
} as const;

/** The last tenth stays on the baseline until it completes: with nobody to compare with, a shock of a whole site looks like the release. */
const LAST_STAGE = 'holdback: 10, judge: [noBreach, pointEstimate]';

const RULES: Readonly<Record<Preset, PresetRule>> = {
  cautious: {
    summary: 'a day of shadow, then 1, 5, 25, 50, 100 %; a week, two decisions',
    stages: [
      '{name: selftest, percent: 100, mode: golden, bake: 10m, extend: 2x10m}',
      '{name: shadow, percent: 100, mode: shadow, sampleEvery: 5, minCoverage: 80%, bake: 1d, extend: 1x1d, promote: manual}',
      '{name: first, percent: 1, bake: 4h, extend: 2x4h}',
      '{name: few, percent: 5, bake: 12h, extend: 2x12h}',
      '{name: quarter, percent: 25, bake: 1d, extend: 1x1d}',
      '{name: half, percent: 50, bake: 1d, extend: 1x1d, promote: manual}',
      `{name: full, percent: 100, bake: 3d, extend: 1x1d, ${LAST_STAGE}}`,
    ],
    limits: {
      p95: 'baseline * 1.05',
      p99: 'baseline * 1.10 for 10m',
      fps: 'baseline * 0.97',
      errors: '0.3 %',
      dropped: '1 %',
      lost: '5 %',
      wrong: '3 %',
      map: 'baseline - 2 pt',
    },
    recall: 'baseline - 5 pt',
    leaseTtl: '10m',
    deviceReverts: '{percent: 5, min: 2}',
  },
  standard: {
    summary: 'a day of shadow, then 5, 25, 50, 100 %; three days, two decisions',
    stages: [
      '{name: selftest, percent: 100, mode: golden, bake: 10m, extend: 2x10m}',
      '{name: shadow, percent: 100, mode: shadow, sampleEvery: 5, minCoverage: 80%, bake: 1d, promote: manual}',
      '{name: first, percent: 5, bake: 60m, extend: 2x60m}',
      '{name: quarter, percent: 25, bake: 2h, extend: 2x2h}',
      '{name: half, percent: 50, bake: 3h, extend: 2x3h, promote: manual}',
      `{name: full, percent: 100, bake: 1d, extend: 1x1d, ${LAST_STAGE}}`,
    ],
    limits: USUAL_LIMITS,
    recall: 'baseline - 10 pt',
    leaseTtl: '15m',
    deviceReverts: '{percent: 10, min: 3}',
  },
  fast: {
    summary: 'half an hour of shadow, then 10, 50, 100 %; half a day, nobody asked',
    stages: [
      '{name: selftest, percent: 100, mode: golden, bake: 10m, extend: 2x10m}',
      '{name: shadow, percent: 100, mode: shadow, sampleEvery: 2, minCoverage: 60%, bake: 30m, extend: 2x30m}',
      '{name: first, percent: 10, bake: 30m, extend: 4x30m}',
      '{name: half, percent: 50, bake: 60m, extend: 2x60m}',
      `{name: full, percent: 100, bake: 2h, extend: 2x60m, ${LAST_STAGE}}`,
    ],
    limits: { ...USUAL_LIMITS, p99: 'baseline * 1.25 for 5m' },
    recall: 'baseline - 10 pt',
    leaseTtl: '15m',
    deviceReverts: '{percent: 10, min: 2}',
  },
};

/** For `--help`: a line each. */
export function describePresets(): string {
  return PRESETS.map((preset) => `${preset.padEnd(8)}  ${RULES[preset].summary}`).join('\n');
}

/** `weld-seg:1.5.0+data=b4f7` → `weld-seg-1-5-0`; null when it is no release. */
export function defaultRolloutName(candidate: string): string | null {
  const parts = parseReleaseReference(candidate);
  if (parts === null) return null;
  const version = `-${parts.version.replaceAll('.', '-')}`;
  return `${parts.name.slice(0, 40 - version.length)}${version}`;
}

/** The whole file. What it was given is not checked here: its reader names every mistake with its place. */
export function presetText(request: PresetRequest): string {
  const rule = RULES[request.preset];
  return `# yaml-language-server: $schema=${SCHEMA_FILE_NAME}
# Made from the preset "${request.preset}": ${rule.summary}.
# Check it after editing: belay rollout lint FILE; then see who gets it when: belay rollout plan FILE
# For completion in an editor, put the schema beside it: belay rollout schema > ${SCHEMA_FILE_NAME}
apiVersion: belay/v1
kind: Rollout
metadata: {name: ${quoted(request.name)}}
spec:
  candidate: ${quoted(request.candidate)}
  baseline: stable                       # what each device runs now; there it goes back to
  owners: {primary: ${quoted(request.owner)}, backup: ${quoted(request.backup)}}
  cohort:
    # factories: [plant-a, plant-b]      # without it: every site
    salt: rollout                        # other devices go first in every rollout
    minPerFactory: 1                     # a site too small for the percentage still gets one
  stages:
${rule.stages.map((stage) => `    - ${stage}`).join('\n')}
  analysis:
    settle: 3m                           # left out after a switch: cold caches
    minimum: {devices: 2, controls: 4, framesPerDevice: 2000, baseDetections: 30, objects: 30, minutes: 15}
    missing: {stale: 5m, maxSilent: 20%} # more silent devices than this: hold
  guardrails:                            # enforce: observe (shown), hold (stop growth), rollback (everything back)
${guardrailLines(rule).join('\n')}
  # A device that hears nothing for this long goes back to its baseline by itself (revert), or goes on (hold).
  lease: {ttl: ${rule.leaseTtl}, onLapse: revert}
  abort:
    deviceReverts: ${rule.deviceReverts}   # so many devices went back by themselves: all do
`;
}

function guardrailLines({ limits, recall }: PresetRule): readonly string[] {
  return [
    `    - {id: p95, expr: "p95(latency_ms) <= ${limits.p95}", enforce: rollback}`,
    `    - {id: p99, expr: "p99(latency_ms) <= ${limits.p99}", enforce: rollback}`,
    `    - {id: fps, expr: "mean(fps) >= ${limits.fps}", enforce: hold}`,
    `    - {id: errors, expr: "rate(errors, frames) <= ${limits.errors}", enforce: rollback}`,
    `    - {id: dropped, expr: "rate(dropped, frames) <= ${limits.dropped}", enforce: hold}`,
    '    - {id: thermal, expr: "mean(soc_temp_c) <= baseline + 5 C", enforce: observe}    # many boxes cannot read it',
    '    # The same frames seen by both releases: misses and swapped classes, with their counts.',
    `    - {id: lost, expr: "rate(lost) <= ${limits.lost}", per: class, enforce: rollback}`,
    `    - {id: wrong, expr: "rate(wrong_class) <= ${limits.wrong}", enforce: rollback}`,
    '    - {id: border, expr: "border_share <= baseline + 10 pt", enforce: hold}          # possible false alarms',
    '    # Labelled frames on the device itself. Averages hide small defects, so recall is judged by class.',
    `    - {id: map, expr: "golden(map50) >= ${limits.map}", enforce: rollback}`,
    `    - {id: recall, expr: "golden(recall) >= ${recall}", per: class, enforce: hold, minimum: {objects: 20}}`,
  ];
}

/** Plain where YAML reads it as the same text, else quoted; JSON's quotes are YAML's. */
function quoted(text: string): string {
  return /^[a-z][a-z0-9-]*(?::[0-9.]+(?:\+data=[a-z0-9]+)?)?$/.test(text) && !RESERVED.test(text)
    ? text
    : JSON.stringify(text);
}

/** Words that YAML, of one version or another, reads as something else than a text. */
const RESERVED = /^(?:null|true|false|yes|no|on|off|y|n)$/;
