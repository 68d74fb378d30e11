// Every way a candidate fails, one row each, on one device: what answers the very frame, how the release is set aside, that
// it stays so when the agent is killed, and that only a newer generation brings it back. Native faults are those of the model.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answeringNaNWhenBright,
  bitsFlipped,
  crashing,
  drippingWhenBright,
  hanging,
  hangingWhenBright,
  hoardingWhenBright,
  truncated,
  wronglyShaped,
} from '../../scripts/models/faults.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { DeviceLimits } from '../../shared/protocol/limits.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import { FaultRig, sequenceOf } from './fault-rig.ts';
import { renamed } from './releases.ts';

const rig = new FaultRig();
let baseline: ReleaseRef;
const failed: { release: ReleaseRef; kind: string }[] = [];

beforeAll(async () => {
  baseline = await rig.open();
});
afterAll(() => rig.close());

type LiveRow = {
  readonly fault: string;
  readonly version: string;
  readonly make: (model: Uint8Array) => Uint8Array;
  readonly kind: string;
  readonly limits?: Partial<DeviceLimits>;
  /** The fault comes with these pictures; without any, with a signal to its process. */
  readonly greys: readonly number[];
  readonly signal?: NodeJS.Signals;
  /** Frames that it answers late, but in time, cost others that wait behind them: those are counted as dropped. */
  readonly mayDrop?: boolean;
  /** Least and most time that the frame in flight waited for the answer of the baseline. */
  readonly waitMs: readonly [number, number];
};

/** Slack for a machine that does a lot besides. */
const AT_ONCE = [0, 3000] as const;

const LIVE: readonly LiveRow[] = [
  {
    fault: 'dies of SIGSEGV',
    version: '1.9.1',
    make: renamed('segv'),
    kind: 'crash',
    greys: [],
    signal: 'SIGSEGV',
    waitMs: AT_ONCE,
  },
  {
    fault: 'hangs in native code',
    version: '1.9.2',
    make: hangingWhenBright,
    kind: 'hang',
    limits: { deadlineFloorMs: 600, deadlineMisses: 2 },
    greys: [250],
    waitMs: [550, 8000],
  },
  {
    fault: 'drips past its deadline',
    version: '1.9.3',
    make: (model) => drippingWhenBright(model, 40),
    kind: 'hang',
    limits: { deadlineFloorMs: 600, deadlineMisses: 1, deadlineRatio: 1 },
    greys: [150, 240],
    waitMs: [550, 8000],
    mayDrop: true,
  },
  {
    fault: 'takes more memory than it was granted',
    version: '1.9.4',
    make: (model) => hoardingWhenBright(model, 1000),
    kind: 'oom',
    greys: [250],
    waitMs: AT_ONCE,
  },
  {
    fault: 'answers with NaN',
    version: '1.9.5',
    make: answeringNaNWhenBright,
    kind: 'non-finite',
    limits: { errorStreak: 2 },
    greys: [240, 250],
    waitMs: AT_ONCE,
  },
];

describe('a candidate that fails on the line', () => {
  it.each(LIVE.map((row) => [row.fault, row] as const))('%s', async (_fault, row) => {
    const candidate = rig.publish(row.version, row.make);
    const from = rig.answers.length;
    await rig.order(baseline, candidate, row.limits ? { limits: row.limits } : {});
    await rig.until('it serves', () =>
      rig.answers.slice(from).some((answer) => answer.model_digest === candidate.digest),
    );
    if (row.signal === undefined) await rig.show(row.greys);
    else await rig.killInFlight(row.signal);
    failed.push({ release: candidate, kind: row.kind });
    await expectQuarantine(candidate, row.kind);
    rig.calm(row.greys);
    await digestsAfter(rig.answers.length, 3);
    expectRescue(candidate, from, row);
    expect(rig.runners(800)).toEqual([]);
  });

  it('answers every frame once, over all of this', () => {
    const ids = rig.answers.map((answer) => answer.request_id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is still set aside when the agent has been killed, and is not loaded again', async () => {
    const from = await restart();
    expect(kindsOf()).toEqual(kindsOf(failed));
    expect(await digestsAfter(from, 10)).toEqual([baseline.digest]);
    expect(rig.runners(800)).toEqual([]);
  });

  it('comes back with a newer generation that lifts it, and by nothing less', async () => {
    const { release } = failed[0]!;
    await rig.order(baseline, release);
    expect(await digestsAfter(rig.answers.length, 10)).toEqual([baseline.digest]);
    const from = rig.answers.length;
    await rig.order(baseline, release, {
      liftQuarantine: failed.map((one) => ({ digest: one.release.digest, reason: 'a person has looked' })),
    });
    await rig.until('it serves again', () =>
      rig.answers.slice(from).some((one) => one.model_digest === release.digest),
    );
    expect(rig.quarantine).toEqual([]);
    await rig.order(baseline, null);
    await rig.until('it is taken back', () => rig.runners(800).length === 0);
    failed.length = 0;
  });
});

type ProofRow = {
  readonly fault: string;
  readonly version: string;
  readonly make: (model: Uint8Array) => Uint8Array;
  readonly change?: (manifest: Manifest) => Partial<Manifest>;
  readonly kind: string;
  readonly reason: RegExp;
};

const PROOF: readonly ProofRow[] = [
  {
    fault: 'crashes on load',
    version: '1.10.1',
    make: crashing,
    kind: 'crash',
    reason: /died of SIGFPE/,
  },
  {
    fault: 'has another shape than it says',
    version: '1.10.2',
    make: wronglyShaped,
    kind: 'proof-failed',
    reason: /input image_u8: the manifest says/,
  },
  {
    fault: 'is cut off in the middle',
    version: '1.10.3',
    make: (model) => truncated(model, 0.5),
    kind: 'fault',
    reason: /making the session/,
  },
  {
    fault: 'has damaged weights under a right digest',
    version: '1.10.4',
    make: (model) => bitsFlipped(model, 1000, 2),
    kind: 'proof-failed',
    reason: /golden|frame/,
  },
  {
    fault: 'has its labels in another order',
    version: '1.10.5',
    make: renamed('labels'),
    change: ({ labels }) => ({
      labels: labels.map((label, i) => ({ ...label, name: labels.at(-1 - i)?.name ?? label.name })),
    }),
    kind: 'proof-failed',
    reason: /golden|frame/,
  },
];

describe('a candidate that fails in its proof', () => {
  it.each(PROOF.map((row) => [row.fault, row] as const))('%s', async (_fault, row) => {
    const from = rig.answers.length;
    const candidate = rig.publish(row.version, row.make, row.change);
    await rig.order(baseline, candidate);
    failed.push({ release: candidate, kind: row.kind });
    const { reason } = await expectQuarantine(candidate, row.kind);
    expect(reason).toMatch(row.reason);
    // Not one frame was its own.
    expect(new Set(rig.answers.slice(from).map((answer) => answer.model_digest))).toEqual(new Set([baseline.digest]));
  });

  it('takes the agent down with it, again and again: the third time it is set aside', async () => {
    const candidate = rig.publish('1.10.9', hanging);
    await rig.order(baseline, candidate);
    for (const _ of ['first', 'second', 'third']) {
      await rig.until('it is loading', () => rig.runners(800).length > 0);
      await restart();
    }
    await expectQuarantine(candidate, 'crash-loop');
    failed.push({ release: candidate, kind: 'crash-loop' });
  });

  it('stays set aside over a kill of the agent, and is not tried again', async () => {
    const from = await restart();
    expect(kindsOf()).toEqual(kindsOf(failed));
    expect(await digestsAfter(from, 10)).toEqual([baseline.digest]);
    expect(rig.runners(800)).toEqual([]);
  });
});

describe('a candidate for an accelerator that is not here', () => {
  const asking = (allowCpuFallback: boolean) => (manifest: Manifest) => ({
    runtime: { ...manifest.runtime, providers: ['cuda' as const], allowCpuFallback },
  });

  it("is refused with the reason, and never runs on the CPU behind anybody's back", async () => {
    const from = rig.answers.length;
    const candidate = rig.publish('1.11.1', renamed('cuda'), asking(false));
    await rig.order(baseline, candidate, {
      liftQuarantine: failed.map(({ release }) => ({ digest: release.digest, reason: 'a person has looked' })),
    });
    const { reason } = await expectQuarantine(candidate, 'fault');
    expect(reason).toMatch(/no provider of cuda is there/);
    expect(await digestsAfter(from, 3)).toEqual([baseline.digest]);
  });

  it('runs on the CPU where its owner allows that, and the device reports both', async () => {
    const candidate = rig.publish('1.11.2', renamed('cuda-or-cpu'), asking(true));
    const from = rig.answers.length;
    await rig.order(baseline, candidate);
    await rig.until('it serves', () => rig.answers.slice(from).some((one) => one.model_digest === candidate.digest));
    await rig.until('it is reported', () => rig.server.reported()?.serving?.digest === candidate.digest);
    expect(rig.server.reported()?.provider).toEqual({ asked: 'cuda', used: 'cpu' });
    expect(rig.server.reported()?.candidate?.provider).toEqual({ asked: 'cuda', used: 'cpu' });
    expect(rig.server.reported()?.memoryLimit).toMatchObject({ enforced: true });
  });
});

async function expectQuarantine(candidate: ReleaseRef, kind: string) {
  const entryOf = () => rig.quarantine.find((entry) => entry.digest === candidate.digest);
  await rig.until(`${candidate.release} in quarantine (${kind})`, () => entryOf() !== undefined);
  const entry = entryOf();
  expect(entry?.kind, entry?.reason).toBe(kind);
  return entry!;
}

/** Each time the candidate gave a frame up, the baseline answered that very frame. */
function expectRescue(candidate: ReleaseRef, from: number, { waitMs: [least, most], mayDrop = false }: LiveRow): void {
  const seen = new Map(rig.answers.slice(from).map((answer) => [sequenceOf(answer), answer]));
  const own = [...seen].filter(([, answer]) => answer.model_digest === candidate.digest).map(([seq]) => seq);
  const next = (seq: number) => (mayDrop ? [...seen.keys()].sort((a, b) => a - b).find((one) => one > seq) : seq + 1);
  const given = own.map((seq) => next(seq) ?? -1).filter((seq) => !own.includes(seq));
  expect(given.length).toBeGreaterThan(0);
  for (const seq of given)
    expect(seen.get(seq), `frame ${seq}`).toMatchObject({ model_digest: baseline.digest, role: 'baseline' });
  const longest = Math.max(...given.map((seq) => seen.get(seq)?.latency_ms ?? Number.POSITIVE_INFINITY));
  expect(longest).toBeGreaterThanOrEqual(least);
  expect(longest).toBeLessThan(most);
}

/** Kills the agent and starts it again; resolves when it has reported, with the place of its first answer. */
async function restart(): Promise<number> {
  const from = rig.answers.length;
  const { boot } = rig.server.reported() ?? {};
  await rig.crashAndRestart();
  await rig.until('it answers and reports', () => rig.answers.length > from && rig.server.reported()?.boot !== boot);
  return from;
}

async function digestsAfter(from: number, count: number): Promise<readonly string[]> {
  await rig.until(`${count} answers`, () => rig.answers.length >= from + count);
  return [...new Set(rig.answers.slice(from).map((answer) => answer.model_digest))];
}

function kindsOf(entries?: typeof failed): Record<string, string> {
  const listed = entries?.map(({ release, kind }) => [release.digest, kind]);
  return Object.fromEntries(listed ?? rig.quarantine.map(({ digest, kind }) => [digest, kind]));
}
