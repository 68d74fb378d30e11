// The readiness checklist: every gate with what was found and, where it does not hold, the next step. Facts in, gates out.
import type { Gate } from '../../shared/rollout/plan.ts';
import {
  DRILL_WITHIN_MS_DEFAULT,
  GATES,
  type GateName,
  type RequiredGate,
} from '../../shared/rollout/requires-section.ts';
import type { RolloutFile } from '../../shared/rollout/rollout-file.ts';
import { list } from './decide.ts';

export type ReadinessFacts = {
  readonly file: RolloutFile;
  readonly nowMs: number;
  readonly release: {
    readonly id: string;
    readonly digest: string;
    readonly state: string;
    readonly registeredAtMs: number;
    readonly codeCommit: string;
    readonly dataTag: string;
    readonly trainConfigSha256: string;
    /** Reference answers that every device is asked for before it may answer. */
    readonly goldenFile: string;
  };
  /** Guardrails that roll back by themselves. */
  readonly rollbackGuardrails: readonly string[];
  /** Devices of the named factories: whether each has said what it runs, and whether its own proof of this release failed. */
  readonly devices: readonly {
    readonly device: string;
    readonly hasReported: boolean;
    readonly failedProof: string | null;
  }[];
  /** The newest drill that kept its promises; null: there is none. */
  readonly drill: PassedDrill | null;
};

export type PassedDrill = {
  readonly id: string;
  readonly failure: string;
  readonly mode: string;
  readonly endedAtMs: number;
};

type Found = { readonly ok: boolean; readonly detail: string; readonly next: string | null };

const holds = (detail: string): Found => ({ ok: true, detail, next: null });
const fails = (detail: string, next: string): Found => ({ ok: false, detail, next });

const DAY_MS = 86_400_000;

/** Every gate, those that the file requires marked; a drill counts for as long as the file says. */
export function readiness(facts: ReadinessFacts): readonly Gate[] {
  const required = new Map(facts.file.spec.requires.map((each) => [each.gate, each]));
  return GATES.map((gate) => {
    const asked = required.get(gate);
    return { gate, required: asked !== undefined, ...CHECKS[gate](facts, asked) };
  });
}

/** Why it may not start, in words: what is required and does not hold. */
export function lackingGates(gates: readonly Gate[]): readonly string[] {
  return gates
    .filter(({ required, ok }) => required && !ok)
    .map(({ gate, detail, next }) => `requires ${gate}: ${detail}${next === null ? '' : `; next: ${next}`}`);
}

type Check = (facts: ReadinessFacts, asked: RequiredGate | undefined) => Found;

const CHECKS: Readonly<Record<GateName, Check>> = {
  'registry.signed': ({ release }) =>
    release.state === 'withdrawn' || release.state === 'archived'
      ? fails(`${release.id} is ${release.state}`, 'choose a release that is not')
      : holds(`${release.id}, digest ${release.digest.slice(0, 12)}…: devices take it by a signed document alone`),
  'registry.golden.pass': checkGolden,
  'runbook.url': checkRunbook,
  'release.tagged': ({ release: { codeCommit, dataTag, trainConfigSha256 } }) =>
    holds(`code ${codeCommit}, data ${dataTag}, training configuration ${trainConfigSha256.slice(0, 12)}…`),
  'telemetry.versioned': checkTelemetry,
  'shadow.signoff': checkShadow,
  'guardrails.rollback': ({ rollbackGuardrails }) =>
    rollbackGuardrails.length > 0
      ? holds(`${list(rollbackGuardrails)} roll${rollbackGuardrails.length === 1 ? 's' : ''} back without anybody`)
      : fails('no guardrail rolls back by itself', 'give one of them enforce: rollback'),
  'owners.assigned': checkOwners,
  'archive.kept': () =>
    holds('each device keeps what it ran before; no release is removed while a device or a rollout names it'),
  'drill.passed': checkDrill,
};

function checkGolden({ devices, release }: ReadinessFacts): Found {
  const failed = devices.flatMap(({ device, failedProof }) =>
    failedProof === null ? [] : [`${device} (${failedProof})`],
  );
  return failed.length === 0
    ? holds(`${release.goldenFile}: readable, known classes; no device has failed it`)
    : fails(`failed on ${list(failed, 3)}`, 'correct the release, or exclude these devices');
}

function checkRunbook({ file }: ReadinessFacts): Found {
  const { runbook } = file.metadata.labels;
  const next = 'metadata.labels: {runbook: "https://…"}';
  if (runbook === undefined) return fails('the file names no runbook', next);
  return /^https?:\/\/\S+$/.test(runbook) ? holds(runbook) : fails(`"${runbook}" is no address`, next);
}

function checkTelemetry({ devices }: ReadinessFacts): Found {
  const silent = devices.filter(({ hasReported }) => !hasReported).map(({ device }) => device);
  if (devices.length === 0) return fails('no device is known there', 'belay device list');
  return silent.length === 0
    ? holds(`all ${devices.length} devices say by digest what they run`)
    : fails(
        `${silent.length} of ${devices.length} devices have not said what they run: ${list(silent, 3)}`,
        'belay device explain on them, or exclude them',
      );
}

function checkShadow({ file }: ReadinessFacts): Found {
  const shadow = file.spec.stages.find(({ mode }) => mode === 'shadow');
  if (shadow === undefined)
    return fails('no stage shadows', 'add a stage with mode: shadow before the first that serves');
  return shadow.promote === 'auto'
    ? fails(`stage ${shadow.name} goes on by itself`, 'give it promote: approval: somebody signs its report off')
    : holds(`stage ${shadow.name} waits for a person (promote: ${shadow.promote})`);
}

function checkOwners({ file }: ReadinessFacts): Found {
  const { primary, backup } = file.spec.owners;
  return primary.trim() === backup.trim()
    ? fails(`${primary} is its own backup`, 'name somebody else as owners.backup')
    : holds(`${primary}, backup ${backup}, ${file.spec.stages.length} stages`);
}

function checkDrill({ drill, nowMs }: ReadinessFacts, asked: RequiredGate | undefined): Found {
  const withinMs = asked?.withinMs ?? DRILL_WITHIN_MS_DEFAULT;
  const next = 'belay drill --failure slow --simulated (or on devices: --factory … --devices …)';
  if (drill === null) return fails('no drill has kept its promises yet', next);
  const days = (nowMs - drill.endedAtMs) / DAY_MS;
  const where = drill.mode === 'simulated' ? 'on a simulated fleet' : 'on devices';
  const told = `${drill.id} (${drill.failure}, ${where}) kept its promises ${days < 1 ? 'today' : `${Math.floor(days)} days ago`}`;
  return nowMs - drill.endedAtMs <= withinMs
    ? holds(told)
    : fails(`${told}: longer ago than ${(withinMs / DAY_MS).toFixed(0)} days`, next);
}
