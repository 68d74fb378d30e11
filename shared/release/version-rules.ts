// Which version number a release must carry. Pure: manifests in, a verdict with one sentence out.
// Other labels, outputs, input contract or task ⇒ MAJOR; other model bytes ⇒ MINOR; thresholds and descriptions ⇒ PATCH.
import { canonicalJson } from '../basics/canonical-json.ts';
import { compareVersions, formatVersion, parseVersion, type Version } from './identity.ts';
import type { Manifest } from './manifest.ts';
import { modelFile } from './model-file.ts';

export type Bump = 'major' | 'minor' | 'patch';

export type VersionQuestion = {
  readonly candidate: Manifest;
  /** The release it follows; null for the first of its name. */
  readonly parent: Manifest | null;
  /** Version numbers of this name that are taken. */
  readonly existing: readonly string[];
};

export type VersionVerdict =
  | { readonly ok: true; readonly bump: Bump; readonly because: string }
  | { readonly ok: false; readonly reason: string; readonly shouldBe: string };

export type NextVersion = { readonly version: string; readonly bump: Bump; readonly because: string };

type Change = { readonly bump: Bump; readonly because: string };

const RANK = { major: 2, minor: 1, patch: 0 } as const satisfies Record<Bump, number>;
const FIRST_VERSION = '1.0.0';
const LABELS_SHOWN_MAX = 3;

/** Whether the candidate's number says at least as much as its content; a larger step than needed is allowed. */
export function judgeVersion(question: VersionQuestion): VersionVerdict {
  const { candidate, parent, existing } = question;
  const next = nextVersion(question);
  if (existing.includes(candidate.version)) {
    return refuse(`${candidate.name}:${candidate.version} is taken → this must be ${next.version}`, next);
  }
  if (parent === null) return { ok: true, bump: next.bump, because: next.because };
  const from = versionOf(parent);
  const to = versionOf(candidate);
  if (compareVersions(to, from) <= 0) {
    const relation = compareVersions(to, from) === 0 ? 'the number of' : 'lower than';
    return refuse(
      `${candidate.version} is ${relation} the release it follows (${parent.version}) → this must be ${next.version}`,
      next,
    );
  }
  const bump = bumpBetween(from, to);
  if (RANK[bump] < RANK[next.bump]) return refuse(`${next.because} → this must be ${next.version}`, next);
  return { ok: true, bump, because: next.because };
}

/** The smallest free number that the candidate's content allows, and why. */
export function nextVersion({ candidate, parent, existing }: VersionQuestion): NextVersion {
  if (parent === null) {
    return {
      version: freeFrom(FIRST_VERSION, 'major', existing),
      bump: 'major',
      because: `first release of ${candidate.name}`,
    };
  }
  const { bump, because } = largestChange(parent, candidate);
  const stepped = formatVersion(step(versionOf(parent), bump));
  return { version: freeFrom(stepped, bump, existing), bump, because };
}

function largestChange(parent: Manifest, candidate: Manifest): Change {
  const broken = contractChanges(parent, candidate);
  if (broken.length > 0) return { bump: 'major', because: broken.join('; ') };
  if (modelFile(parent).sha256 !== modelFile(candidate).sha256) {
    return { bump: 'minor', because: 'same contract, other model bytes' };
  }
  const numbers = changedKeys(parent.postprocess, candidate.postprocess);
  if (numbers.length > 0) return { bump: 'patch', because: `only thresholds changed (${numbers.join(', ')})` };
  return { bump: 'patch', because: 'same contract and model, only its description changed' };
}

/** What a consumer of answers, or a frame ring, would notice. */
function contractChanges(parent: Manifest, candidate: Manifest): readonly string[] {
  const changes = [
    parent.task === candidate.task ? null : `task changed (${parent.task} → ${candidate.task})`,
    labelChange(parent, candidate),
    inputChange(parent, candidate),
    outputChange(parent, candidate),
    readingChange(parent, candidate),
  ];
  return changes.filter((change) => change !== null);
}

function labelChange(parent: Manifest, candidate: Manifest): string | null {
  const before = parent.labels.map((label) => label.name);
  const after = candidate.labels.map((label) => label.name);
  const added = after.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !after.includes(name));
  if (added.length > 0 || removed.length > 0) {
    const parts = [
      added.length > 0 ? `added ${shorten(added)}` : '',
      removed.length > 0 ? `removed ${shorten(removed)}` : '',
    ];
    return `labels changed (${parts.filter((part) => part !== '').join(', ')})`;
  }
  const moved = after.filter((name, index) => before[index] !== name);
  return moved.length === 0 ? null : `label order changed (${shorten(moved)})`;
}

function inputChange(parent: Manifest, candidate: Manifest): string | null {
  const keys = changedKeys(parent.input, candidate.input);
  if (keys.length === 0) return null;
  const told = keys.map((key) => `${key} ${show(parent.input[key])} → ${show(candidate.input[key])}`);
  return `input contract changed (${told.join(', ')})`;
}

function outputChange(parent: Manifest, candidate: Manifest): string | null {
  if (canonicalJson(parent.outputs) === canonicalJson(candidate.outputs)) return null;
  const tell = (manifest: Manifest) =>
    manifest.outputs
      .map((output) => `${output.name} ${output.dtype} ${show(output.shape)} as ${output.role}`)
      .join(', ');
  return `outputs changed (${tell(parent)} → ${tell(candidate)})`;
}

/** Decoder, alphabet and the like decide what the very same numbers mean; thresholds only decide how many are shown. */
function readingChange(parent: Manifest, candidate: Manifest): string | null {
  if (parent.postprocess.type !== candidate.postprocess.type) return null; // told as a change of task
  const before: Record<string, unknown> = parent.postprocess;
  const after: Record<string, unknown> = candidate.postprocess;
  const keys = changedKeys(before, after).filter((key) => !isThreshold(key));
  if (keys.length === 0) return null;
  return `reading of the outputs changed (${keys.map((key) => `${key} ${show(before[key])} → ${show(after[key])}`).join(', ')})`;
}

const THRESHOLDS: ReadonlySet<string> = new Set([
  'score',
  'scorePerClass',
  'iou',
  'max',
  'minAreaPx',
  'thresholdPerClass',
  'topK',
  'threshold',
  'minConfidence',
]);

function isThreshold(key: string): boolean {
  return THRESHOLDS.has(key);
}

function changedKeys(before: Record<string, unknown>, after: Record<string, unknown>): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => canonicalJson(before[key] ?? null) !== canonicalJson(after[key] ?? null)).sort();
}

function bumpBetween(from: Version, to: Version): Bump {
  if (to.major !== from.major) return 'major';
  return to.minor === from.minor ? 'patch' : 'minor';
}

function step(version: Version, bump: Bump): Version {
  if (bump === 'major') return { major: version.major + 1, minor: 0, patch: 0 };
  if (bump === 'minor') return { ...version, minor: version.minor + 1, patch: 0 };
  return { ...version, patch: version.patch + 1 };
}

function freeFrom(text: string, bump: Bump, existing: readonly string[]): string {
  const version = parseVersion(text);
  if (version === null || !existing.includes(text)) return text;
  return freeFrom(formatVersion(step(version, bump)), bump, existing);
}

function versionOf(manifest: Manifest): Version {
  const version = parseVersion(manifest.version);
  if (version === null) throw new TypeError(`a parsed manifest has a version, got ${manifest.version}`);
  return version;
}

function show(value: unknown): string {
  if (value === undefined) return 'none';
  const text =
    Array.isArray(value) && value.every((item) => typeof item === 'number') ? value.join('×') : canonicalJson(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, LABELS_SHOWN_MAX).join(', ');
  return names.length > LABELS_SHOWN_MAX ? `${shown}…` : shown;
}

function refuse(reason: string, next: NextVersion): VersionVerdict {
  return { ok: false, reason, shouldBe: next.version };
}
