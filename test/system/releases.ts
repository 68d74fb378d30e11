// Releases for system tests: versions of the demo's detector made from its bytes (sound, slow, hanging, wrong …), registered
// like any other, and rollouts that hand them to devices.
import { z } from 'zod';
import type { ApiClient } from '../../control-plane/cli/api-client.ts';
import { uploadPackage } from '../../control-plane/cli/package-upload.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { withMetadata } from '../../scripts/models/derive.ts';
import { readModel } from '../../scripts/models/onnx/reader.ts';
import { writeModel } from '../../scripts/models/onnx/writer.ts';
import { RELEASES_DIR, readRelease, readReleaseFile, sha256Of } from '../../scripts/models/release-store.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { registeredSchema } from '../../shared/protocol/api-releases.ts';
import { type RolloutView, rolloutViewSchema } from '../../shared/protocol/api-rollouts.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

const PARENT = 'cv-detector/1.8.2';
const ACTOR = 'system-test';
const DEADLINE_MS = 120_000;

export type Make = (model: Uint8Array) => Uint8Array;

export type RolloutOptions = {
  readonly name: string;
  readonly candidate: ReleaseRef;
  /** Default: every site. */
  readonly sites?: readonly string[];
  /** Default: one serve stage for everybody that waits for a person. */
  readonly stages?: readonly Readonly<Record<string, unknown>>[];
  readonly guardrails?: readonly Readonly<Record<string, unknown>>[];
  readonly limits?: Partial<DeviceLimits>;
  /** The `lease` section, as a file would say it. */
  readonly lease?: Readonly<Record<string, unknown>>;
  readonly deviceReverts?: { readonly percent: number; readonly min: number };
};

export type Releases = {
  /** Registers a release of this repository as it is. */
  register(folder: string): Promise<ReleaseRef>;
  /** Makes the next version of the baseline from its model's bytes and registers it: same contract, same golden set. */
  derive(version: string, make: Make, limits?: Partial<Manifest['limits']>): Promise<ReleaseRef>;
  startRollout(options: RolloutOptions): Promise<string>;
  rollout(id: string): Promise<RolloutView>;
  awaitRollout(id: string, what: string, holds: (view: RolloutView) => boolean): Promise<RolloutView>;
  act(id: string, verb: string, more?: Readonly<Record<string, unknown>>): Promise<RolloutView>;
};

/** The same net under another name: sound, with bytes of its own. */
export const renamed =
  (name: string): Make =>
  (model) =>
    writeModel(withMetadata(readModel(model), { variant: name }));

export function openReleases(api: ApiClient): Releases {
  const rollout = (id: string) => api.ask(endpoint('GET /v1/rollouts/:id', { id }), rolloutViewSchema);
  const registered = async (manifest: unknown): Promise<ReleaseRef> => {
    const { release } = await api.ask(endpoint('POST /v1/releases'), registeredSchema, { manifest, actor: ACTOR });
    return { release: release.id, digest: release.digest };
  };
  return {
    register: async (folder) => registered(await uploadPackage(api, `${RELEASES_DIR}/${folder}`, () => {})),
    derive: async (version, make, limits = {}) => {
      const bytes = make(readReleaseFile(PARENT, 'model.onnx'));
      await api.upload(endpoint('PUT /v1/artifacts/:sha256', { sha256: sha256Of(bytes) }), bytes);
      const manifest = manifestOf(version, bytes);
      return registered({ ...manifest, limits: { ...manifest.limits, ...limits } });
    },
    startRollout: async (options) => {
      const body = { file: rolloutFile(options), actor: ACTOR, reason: 'system test' };
      return (await api.ask(endpoint('POST /v1/rollouts'), z.looseObject({ id: z.string() }), body)).id;
    },
    rollout,
    awaitRollout: async (id, what, holds) => {
      let view: RolloutView | null = null;
      const ok = await until(async () => {
        view = await rollout(id).catch(() => null);
        return view !== null && holds(view);
      }, DEADLINE_MS);
      if (ok && view !== null) return view;
      throw new Error(
        `rollout ${id}: not within ${DEADLINE_MS} ms: ${what}; it stands at: ${JSON.stringify(statusOf(view), null, 1)}`,
      );
    },
    act: (id, verb, more = {}) => {
      const body = { actor: ACTOR, reason: 'system test', ...more };
      return api.ask(endpoint('POST /v1/rollouts/:id/:verb', { id, verb }), rolloutViewSchema, body);
    },
  };
}

function manifestOf(version: string, model: Uint8Array): Manifest {
  const { manifest } = readRelease(PARENT);
  const files = manifest.files.map((file) =>
    file.role === 'model' ? { ...file, sha256: sha256Of(model), bytes: model.byteLength } : file,
  );
  const provenance = { ...manifest.provenance, parent: manifest.version };
  return { ...manifest, version, files, provenance, changelog: `For a system test: ${version}.` };
}

function statusOf(view: RolloutView | null): unknown {
  if (view === null) return 'unknown';
  const { state, status, exposure, devices, decisions } = view;
  return {
    state,
    status,
    exposure,
    devices: devices.map(({ device, detail }) => `${device}: ${detail}`),
    decisions: decisions.map(({ seq, kind, reason }) => `${seq} ${kind}: ${reason}`),
  };
}

const ONE_STAGE = [{ name: 'all', percent: 100, mode: 'serve', bake: '10m', promote: 'manual' }];
const ERRORS = [{ id: 'errors', expr: 'rate(errors, frames) <= 90 %', enforce: 'hold' }];

/** JSON is YAML. */
function rolloutFile(options: RolloutOptions): string {
  const { name, candidate, sites, stages = ONE_STAGE, guardrails = ERRORS, limits, deviceReverts } = options;
  return JSON.stringify({
    apiVersion: 'belay/v1',
    kind: 'Rollout',
    metadata: { name },
    spec: {
      candidate: candidate.release,
      owners: { primary: 'vision-team', backup: 'on-call-vision' },
      ...(sites ? { cohort: { factories: sites } } : {}),
      stages,
      analysis: {
        settle: '1s',
        minimum: { devices: 1, controls: 0, framesPerDevice: 3, baseDetections: 1, objects: 1, minutes: 0 },
        missing: { stale: '60s', maxSilent: '90%' },
      },
      guardrails,
      // A busy machine is not the model's fault: what a test does not ask for shall not break here.
      limits: {
        latencyRatio: null,
        fpsFloor: null,
        deadlineFloorMs: 5000,
        deadlineMisses: 20,
        temperatureCeilingC: null,
        batteryFloorPct: null,
        ...limits,
      },
      ...(options.lease ? { lease: options.lease } : {}),
      abort: { deviceReverts: deviceReverts ?? { percent: 100, min: 1000 }, verify: 'none' },
    },
  });
}
