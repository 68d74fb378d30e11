// Everything that is looked at before a release is registered, as a list of findings; stores nothing.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { describeError } from '../../shared/basics/errors.ts';
import { type Problem, parseValue } from '../../shared/basics/parsing.ts';
import type { CheckReport, Finding } from '../../shared/protocol/api-releases.ts';
import { compareVersions, formatReleaseId, parseVersion } from '../../shared/release/identity.ts';
import { type Manifest, manifestSchema, releaseIdOf } from '../../shared/release/manifest.ts';
import { modelFile } from '../../shared/release/model-file.ts';
import { readOnnxFile } from '../../shared/release/onnx-file.ts';
import { judgeVersion, nextVersion } from '../../shared/release/version-rules.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { judgeGoldenSet } from './golden-check.ts';
import { judgeOnnxFile, type OperatorPolicy } from './onnx-contract.ts';

export type ReleasePolicy = OperatorPolicy & { readonly modelBytesMax: number };

export type CheckParts = {
  readonly artifacts: ArtifactStore;
  readonly policy: ReleasePolicy;
  /** Registered releases of this name. */
  readonly siblings: (name: string) => Promise<readonly Manifest[]>;
};

export type Checked = {
  readonly report: CheckReport;
  /** Null when the manifest could not be read. */
  readonly release: {
    readonly manifest: Manifest;
    readonly text: string;
    readonly id: string;
    readonly digest: string;
  } | null;
};

/** The golden set is read whole into memory; a thousand pictures of 200 KB stay well below. */
const GOLDEN_BYTES_MAX = 256 * 1024 * 1024;

export async function checkRelease(input: unknown, parts: CheckParts): Promise<Checked> {
  const parsed = parseValue(manifestSchema, input);
  if (!parsed.ok) {
    const findings = parsed.problems.map((problem) => toFinding(input, problem));
    return { report: { ok: false, id: null, digest: null, findings, next: null }, release: null };
  }
  const manifest = parsed.value;
  // The manifest as it was given, without our defaults: agents hash the same file without asking us.
  const text = canonicalJson(input);
  const id = formatReleaseId(releaseIdOf(manifest));
  const digest = createHash('sha256').update(text).digest('hex');
  const siblings = (await parts.siblings(manifest.name)).filter(
    (sibling) => sibling.drill === undefined && canonicalJson(sibling) !== canonicalJson(manifest),
  );
  const version = checkVersion(manifest, siblings);
  const files = await checkFiles(manifest, parts);
  const contents = files.every((finding) => finding.ok) ? await checkContents(manifest, parts) : [];
  const identity: Finding = { check: 'manifest', ok: true, path: '', message: `${id}, all required fields are there` };
  const findings = [identity, ...files, ...contents, version.finding, ...drillFinding(manifest)];
  const ok = findings.every((finding) => finding.ok);
  return { report: { ok, id, digest, findings, next: version.next }, release: { manifest, text, id, digest } };
}

/** A release that fails on purpose is made by a drill, from a release that is registered, and by nobody else. */
function drillFinding({ drill }: Manifest): readonly Finding[] {
  if (drill === undefined) return [];
  return [
    { check: 'manifest', ok: false, path: 'drill', message: 'fails on purpose: only belay drill makes such a release' },
  ];
}

/** "is missing" says more than "expected string, received undefined". */
function toFinding(input: unknown, problem: Problem): Finding {
  const value = problem.path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | null | undefined)?.[key], input);
  const message = problem.path !== '' && value === undefined ? 'is missing' : problem.message;
  return { check: 'manifest', ok: false, path: problem.path, message };
}

async function checkFiles(manifest: Manifest, { artifacts, policy }: CheckParts): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const [index, file] of manifest.files.entries()) {
    const size = await artifacts.size(file.sha256);
    const refuse = (key: string, message: string) =>
      findings.push({ check: 'files', ok: false, path: `files.${index}.${key}`, message });
    if (size === null) refuse('sha256', `${file.path} is not uploaded (PUT /v1/artifacts/${file.sha256})`);
    else if (size !== file.bytes) refuse('bytes', `${file.path} is ${size} bytes, declared ${file.bytes}`);
    const bytesMax = file.role === 'model' ? policy.modelBytesMax : GOLDEN_BYTES_MAX;
    if (file.bytes > bytesMax) refuse('bytes', `${file.path} is ${file.bytes} bytes > ${bytesMax}`);
  }
  if (findings.length > 0) return findings;
  return [
    {
      check: 'files',
      ok: true,
      path: 'files',
      message: `${manifest.files.length} files, present and of the declared size`,
    },
  ];
}

async function checkContents(manifest: Manifest, parts: CheckParts): Promise<readonly Finding[]> {
  return [...(await checkModel(manifest, parts)), ...(await checkGolden(manifest, parts))];
}

async function checkModel(manifest: Manifest, { artifacts, policy }: CheckParts): Promise<readonly Finding[]> {
  const bytes = await artifacts.read(modelFile(manifest).sha256);
  try {
    return judgeOnnxFile(manifest, readOnnxFile(bytes), policy);
  } catch (error) {
    return [{ check: 'contract', ok: false, path: 'files', message: describeError(error) }];
  }
}

async function checkGolden(manifest: Manifest, { artifacts }: CheckParts): Promise<readonly Finding[]> {
  const read = async (path: string): Promise<Uint8Array> => {
    const file = manifest.files.find((candidate) => candidate.path === path);
    return file ? artifacts.read(file.sha256) : new Uint8Array();
  };
  return judgeGoldenSet(manifest, await read(manifest.golden.frames), await read(manifest.golden.expect));
}

type VersionCheck = { readonly finding: Finding; readonly next: CheckReport['next'] };

function checkVersion(candidate: Manifest, siblings: readonly Manifest[]): VersionCheck {
  const parent = parentOf(candidate, siblings);
  if (parent === 'unknown') {
    const message = `its parent ${candidate.name}:${candidate.provenance.parent} is not registered; register it first`;
    return { finding: { check: 'version', ok: false, path: 'provenance.parent', message }, next: null };
  }
  const question = { candidate, parent, existing: siblings.map((sibling) => sibling.version) };
  const next = parent === null ? null : nextVersion(question);
  const verdict = judgeVersion(question);
  const message = verdict.ok ? tellStep(candidate, parent, verdict) : verdict.reason;
  return { finding: { check: 'version', ok: verdict.ok, path: 'version', message }, next };
}

function tellStep(
  candidate: Manifest,
  parent: Manifest | null,
  { bump, because }: { readonly bump: string; readonly because: string },
): string {
  if (parent === null) return `${candidate.version}: ${because}`;
  return `${candidate.version} is a ${bump} step from ${parent.version}: ${because}`;
}

/** The declared parent; without one, the newest registered release. The first of a name may cite a parent from elsewhere. */
function parentOf(candidate: Manifest, siblings: readonly Manifest[]): Manifest | null | 'unknown' {
  if (siblings.length === 0) return null;
  const declared = candidate.provenance.parent;
  if (declared !== null) return siblings.find((sibling) => sibling.version === declared) ?? 'unknown';
  return siblings.reduce((newest, sibling) => (isNewer(sibling, newest) ? sibling : newest));
}

function isNewer(a: Manifest, b: Manifest): boolean {
  const [versionA, versionB] = [parseVersion(a.version), parseVersion(b.version)];
  return versionA !== null && versionB !== null && compareVersions(versionA, versionB) > 0;
}
