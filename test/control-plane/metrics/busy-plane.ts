// A control plane in which something of everything has happened: two devices, a rollout on hold, a kill, a refused message.
import type { ConfigInput } from '../../../control-plane/config.ts';
import { tinyPackage } from '../../builders/tiny-package.ts';
import { buildArm } from '../../shared/measure/window-builder.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

export type BusyPlane = {
  readonly bench: PlaneBench;
  readonly devices: readonly TestDevice[];
  readonly rolloutId: string;
};

export const ROLLOUT_FILE = `apiVersion: belay/v1
kind: Rollout
metadata: {name: tiny-2}
spec:
  candidate: tiny-detector:1.1.0
  owners: {primary: vision-team, backup: on-call}
  stages: [{name: half, percent: 50, bake: 10m}, {name: full, percent: 100, bake: 10m}]
  guardrails: [{id: p95, expr: p95(latency_ms) <= baseline * 1.2, enforce: rollback}]
`;

export async function openBusyPlane(config: Partial<ConfigInput> = {}): Promise<BusyPlane> {
  const bench = await openPlaneBench({ tickMs: 100, ...config });
  const baseline = await bench.register(tinyPackage());
  await bench.register(tinyPackage({ version: '1.1.0', change: (manifest) => improve(manifest) }));
  const devices: TestDevice[] = [];
  for (const [index, name] of ['cam-01', 'cam-02'].entries()) {
    const device = await bench.connect('plant-a', name);
    await device.hello();
    await device.report({ serving: baseline, committed: baseline, servedFrames: 7 });
    const arm = buildArm({ ...baseline, activeMs: 2000 * (index + 1) });
    await device.window(1, {
      arms: [arm],
      hardwareClass: 'x86-64',
      endAtMs: Date.now(),
      startAtMs: Date.now() - 60_000,
    });
    devices.push(device);
  }
  const { body } = await bench.post('/v1/rollouts', { file: ROLLOUT_FILE, actor: 'engineer', reason: 'better' });
  const rolloutId = body.id as string;
  if (rolloutId === undefined) throw new Error(`no rollout was started: ${JSON.stringify(body)}`);
  return { bench, devices, rolloutId };
}

/** Another training of the same contract: a release of its own under the next number. */
function improve(manifest: Record<string, unknown>): void {
  manifest.changelog = 'more scratches in the training set';
}
