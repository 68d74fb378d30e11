// kill -9 of the control plane at every step of a rollout, over its real API, broker and database: nothing that anybody was
// told is lost, nothing is decided or sent out twice, and devices end where the record says. BELAY_CRASH_SEED repeats a run,
// BELAY_CRASH_RUNS=50 goes so many random ways beside the fixed one.
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { anyCommand, firstModel, Start } from './commands.ts';
import { CrashRig } from './crash-rig.ts';
import { walkBad, walkKilled, walkSound, walkSuperseded } from './walk.ts';

const SEED = Number(process.env.BELAY_CRASH_SEED ?? Date.now() % 1_000_000);
const RUNS = Number(process.env.BELAY_CRASH_RUNS ?? 1);
const COMMANDS_MAX = 16;
/** Of a machine that does a lot besides; alone it takes a minute. */
const PATIENCE_MS = 300_000;

let rig: CrashRig | null = null;

afterEach(async () => {
  await rig?.close();
  rig = null;
});

describe(`a control plane that is killed (seed ${SEED})`, () => {
  it('at every step of a rollout forgets nothing and decides nothing twice', { timeout: PATIENCE_MS }, async () => {
    rig = await CrashRig.open(SEED);
    await walkSound(rig);
    await walkBad(rig);
    await walkKilled(rig);
    await walkSuperseded(rig);
    await rig.checkRecord('at the end');
    expect(rig.crashes.length).toBeGreaterThanOrEqual(28);
  });

  it('at any moment grants and refuses what its record says', { timeout: RUNS * PATIENCE_MS }, async () => {
    const commands = fc.noBias(fc.commands(anyCommand, { maxCommands: COMMANDS_MAX, size: 'max' }));
    await fc.assert(
      fc.asyncProperty(commands, async (drawn) => {
        const real = await CrashRig.open(SEED);
        rig = real;
        const model = firstModel();
        await new Start('in-flight').run(model, real);
        await fc.asyncModelRun(() => ({ model, real }), drawn);
        await real.checkRecord('at the end');
        await real.close();
      }),
      // A run costs seconds: what failed is told as it is, not made shorter.
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  });
});
