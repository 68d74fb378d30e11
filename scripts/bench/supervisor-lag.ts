// How late the supervisor's event loop comes round while a runner is busy with a slow model, beside an idle process on
// the same machine at the same time: what is above the idle one is ours.
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startProgram } from '../fleet/program.ts';
import { openDeviceRig } from './device-rig.ts';
import { type Figure, median } from './figure.ts';
import { DELAY_PROCESS, idleEnvironment, type LoopDelay, takeLoopDelay, watchedEnvironment } from './loop-delay.ts';
import { describeLoad, noteOf } from './machine.ts';
import { makeSlowPackage } from './slow-package.ts';
import { withWorkspace } from './workspace.ts';

const RUN_MS = 120;
/** Faster than the model, so that it is always busy. */
const CAMERA_FPS = 15;
const ROUNDS = 7;
const ROUND_MS = 5000;

export const supervisorLag: Figure = {
  id: 'supervisor.lag',
  measure: (progress) =>
    withWorkspace(async (workspace) => {
      const { folder } = workspace;
      progress(`making a model that takes about ${RUN_MS} ms`);
      const factory = await makeSlowPackage('cv-detector/2.0.0', RUN_MS, path.join(folder, 'factory'));
      const files = { ours: path.join(folder, 'ours.json'), limit: path.join(folder, 'limit.json') };
      const env = watchedEnvironment(files.ours, 'agent/main.ts');
      const rig = await openDeviceRig(workspace, { factory, fps: CAMERA_FPS, threads: 1, env });
      const idle = startProgram({
        name: 'idle',
        entry: DELAY_PROCESS,
        args: [],
        logFolder: folder,
        env: idleEnvironment(files.limit),
      });
      workspace.defer(() => idle.stop());
      const take = () =>
        Promise.all([takeLoopDelay(rig.agent.pid, files.ours), takeLoopDelay(idle.pid, files.limit)] as const);
      await take();
      progress(`${ROUNDS} rounds of ${ROUND_MS / 1000} s`);
      const rounds: (readonly [LoopDelay, LoopDelay])[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        await wait(ROUND_MS);
        rounds.push(await take());
      }
      const ours = median(rounds.map(([supervisor]) => supervisor.p99));
      const limit = median(rounds.map(([, other]) => other.p99));
      const worst = Math.max(...rounds.map(([supervisor]) => supervisor.max));
      const worstIdle = Math.max(...rounds.map(([, other]) => other.max));
      return [
        {
          id: 'supervisor.lag',
          ours,
          limit,
          ratio: ours / limit,
          unit: 'ms',
          goal: '≤ 10 ms',
          note: noteOf(
            `p99 of the event loop delay while a model of ${rig.runMs('baseline').toFixed(0)} ms runs, limit: an idle process at the same time`,
            `longest ${worst.toFixed(1)} ms, idle ${worstIdle.toFixed(1)} ms`,
            describeLoad(),
          ),
        },
      ];
    }),
};
