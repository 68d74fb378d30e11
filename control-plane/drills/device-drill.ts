// Starts a drill on real devices: a release made of their own baseline, handed to the chosen ones by an ordinary rollout.
// It is taken back by whatever comes first: a limit, a guardrail, a person, a kill, the lease, the end of the drill here,
// and the end of the fault in the runner itself.
import type { AgentsScope, DrillStartBody } from '../../shared/protocol/api-drills.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { DeclaredFault } from '../../shared/release/drill.ts';
import { drillFile } from '../../shared/rollout/drill-file.ts';
import { list } from '../core/decide.ts';
import type { Device } from '../devices/device.ts';
import { liftQuarantine } from '../devices/lift-quarantine.ts';
import type { DrillParts } from './drill-parts.ts';
import { drillManifest } from './drill-release.ts';

/** A drill that nothing has ended by then is rolled back; the fault itself ends a little later, for whoever cannot hear that. */
export const DRILL_MS_MAX = 5 * 60_000;
const FAULT_MS = DRILL_MS_MAX + 2 * 60_000;

/** `ready`: nothing is registered or sent yet. */
export type DeviceDrill =
  | {
      readonly kind: 'ready';
      readonly baseline: { readonly ref: ReleaseRef; readonly text: string };
      readonly controls: readonly string[];
      readonly fault: DeclaredFault;
    }
  | { readonly kind: 'refused'; readonly reason: string };

const refuse = (reason: string): DeviceDrill => ({ kind: 'refused', reason });

export async function prepareDeviceDrill(
  parts: Pick<DrillParts, 'devices' | 'registry'>,
  { failure, agents }: { readonly failure: DrillStartBody['failure']; readonly agents: AgentsScope },
): Promise<DeviceDrill> {
  const site = (await parts.devices.list()).filter((device) => device.site === agents.site);
  const chosen = site.filter(({ device }) => agents.devices.includes(device));
  const unknown = agents.devices.filter((name) => !chosen.some(({ device }) => device === name));
  if (unknown.length > 0) return refuse(`${agents.site} has no device ${list(unknown)}: belay device list`);
  const absent = chosen.filter((device) => !device.online || committedOf(device) === null);
  if (absent.length > 0) return refuse(`not reachable now: ${list(absent.map(({ device }) => device))}`);
  const refs = new Map(
    chosen
      .flatMap((device) => (committedOf(device) === null ? [] : [committedOf(device)!]))
      .map((ref) => [ref.digest, ref]),
  );
  const [ref] = refs.values();
  if (ref === undefined || refs.size > 1)
    return refuse(
      `the devices run ${refs.size} different releases (${[...refs.values()].map(({ release }) => release).join(', ')}): choose devices of one`,
    );
  const text = await parts.registry.manifestText(ref.digest);
  if (text === null) return refuse(`${ref.release} is not registered: register it first, the drill is made of it`);
  const controls = site.filter(({ device }) => !agents.devices.includes(device)).map(({ device }) => device);
  return { kind: 'ready', baseline: { ref, text }, controls, fault: { failure, of: ref.release, forMs: FAULT_MS } };
}

function committedOf({ reported }: Device): ReleaseRef | null {
  const committed = reported?.committed ?? null;
  return committed && { release: committed.release, digest: committed.digest };
}

export type Prepared = Extract<DeviceDrill, { kind: 'ready' }>;

export type DeviceDrillOrder = {
  readonly id: string;
  readonly number: number;
  readonly body: DrillStartBody;
  readonly agents: AgentsScope;
  readonly nowMs: number;
};

export async function registerDrillRelease(
  { registry }: Pick<DrillParts, 'registry'>,
  { baseline, fault }: Prepared,
  order: Pick<DeviceDrillOrder, 'number' | 'nowMs' | 'body'>,
): Promise<ReleaseRef> {
  const name = baseline.ref.release.split(':', 1)[0] ?? '';
  let { number } = order;
  while (registry.resolve(`${name}:0.0.${number}`).kind !== 'unknown') number += 1;
  const manifest = drillManifest(baseline, { fault, number, createdAtMs: order.nowMs });
  return registry.registerRehearsal(manifest, order.body.actor);
}

/** Why it may not start, in words; null: it runs. */
export async function startDrillRollout(
  { rollouts }: Pick<DrillParts, 'rollouts'>,
  { id, body, agents }: DeviceDrillOrder,
  { candidate, controls }: { readonly candidate: ReleaseRef; readonly controls: readonly string[] },
): Promise<string | null> {
  const made = drillFile({
    name: id,
    candidate: candidate.release,
    base: body.file ?? null,
    cohort: { ...agents, controls },
    forMs: DRILL_MS_MAX,
  });
  if (!made.ok) return tellProblems(made.problems);
  const started = await rollouts.start(
    { file: made.text, actor: body.actor, reason: `drill ${id}: ${body.reason}` },
    { isDrill: true },
  );
  if (started.kind === 'started') return null;
  if (started.kind === 'refused') return started.reasons.join('; ');
  return tellProblems(started.problems);
}

function tellProblems(problems: readonly { readonly path: string; readonly message: string }[]): string {
  return problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
}

/** What devices set aside was made to fail: it must not count among what they have set aside for good reasons. */
export async function forgetDrillRelease(
  { database, audit, devices }: Pick<DrillParts, 'database' | 'audit' | 'devices'>,
  { agents, digest, reason }: { readonly agents: AgentsScope; readonly digest: string; readonly reason: string },
  nowMs: number,
): Promise<void> {
  for (const { site, device, reported } of await devices.list()) {
    if (site !== agents.site || !reported?.quarantine.some((entry) => entry.digest === digest)) continue;
    const request = { address: { site, device }, reported, release: digest, reason, actor: 'belay', nowMs };
    await liftQuarantine({ database, audit }, request);
  }
}
