// What goes wrong and when: every class of faults as a stream of moments drawn from the seed. To add one: its figures in
// parameters.ts, a stream here, and an end in `calm` where something must be put right again.

import type { Random } from '../../control-plane/core/random.ts';
import type { Checker } from './check/checker.ts';
import type { SimDevice } from './device/sim-device.ts';
import type { EventQueue } from './event-queue.ts';
import type { Network } from './network.ts';
import type { Parameters } from './parameters.ts';
import type { ControlPlane } from './plane/control-plane.ts';

export type FaultParts = {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly parameters: Parameters;
  readonly devices: readonly SimDevice[];
  readonly network: Network;
  readonly plane: ControlPlane;
  readonly checker: Checker;
  readonly untilMs: number;
};

export function startFaults(parts: FaultParts): void {
  const { parameters, devices, network, plane, queue, random } = parts;
  const { device: box, network: net } = parameters;
  const draw = random.fork('faults');
  for (const device of devices) device.wallSkewMs = draw.between(-1, 1) * box.wallSkewMsMax;
  for (const device of devices) {
    const stream = random.fork(device.key);
    moments(parts, stream.fork('reboot'), box.rebootEveryMs, (chance) => reboot(device, box.cutShare, chance));
    moments(parts, stream.fork('freeze'), box.freezeEveryMs, (chance) => freeze(parts, device, chance));
    moments(parts, stream.fork('disk'), box.diskFaultEveryMs, (chance) => {
      device.disk.isFull = true;
      queue.after(chance.between(5000, 180_000), () => {
        device.disk.isFull = false;
      });
    });
    moments(parts, stream.fork('runner'), box.runnerDeathEveryMs, (chance) =>
      soon(queue, device, () => device.life?.hands.killRunner(chance, chance.pick(['SIGSEGV', 'SIGKILL']))),
    );
    moments(parts, stream.fork('camera'), box.cameraLossEveryMs, (chance) => {
      blind(queue, device, true);
      queue.after(chance.between(5000, 120_000), () => blind(queue, device, false));
    });
    moments(parts, stream.fork('kill-file'), box.localKillEveryMs, (chance) => {
      device.hasKillFile = true;
      queue.after(chance.between(5000, 300_000), () => {
        device.hasKillFile = false;
      });
    });
    moments(parts, stream.fork('partition'), net.partitionEveryMs, (chance) =>
      network.partition(device.index, chance.between(2000, net.partitionMsMax)),
    );
    moments(parts, stream.fork('clock'), box.wallSkewMsMax > 0 ? 3 * 60_000 : null, (chance) => {
      device.wallSkewMs = chance.between(-1, 1) * box.wallSkewMsMax;
    });
  }
  moments(parts, random.fork('broker'), net.brokerRestartEveryMs, (chance) =>
    network.restartBroker(chance.chance(0.5)),
  );
  moments(parts, random.fork('outage'), parameters.plane.outageEveryMs, (chance) => {
    plane.isOut = true;
    queue.after(chance.between(2000, parameters.plane.outageMsMax), () => {
      plane.isOut = false;
    });
  });
  moments(parts, random.fork('database'), parameters.plane.databaseFaultEveryMs, (chance) => {
    plane.store.isUp = false;
    queue.after(chance.between(2000, 120_000), () => {
      plane.store.isUp = true;
    });
  });
}

/** Faults stop. What they left behind stays, as long as it can heal by itself. */
export function endFaults({ devices, network, plane, queue }: FaultParts): void {
  network.calm();
  plane.calm();
  for (const device of devices) {
    device.isCalm = true;
    device.disk.isFull = false;
    device.hasKillFile = false;
    device.wallSkewMs = 0;
    device.thaw();
    blind(queue, device, false);
  }
}

function reboot(device: SimDevice, cutShare: number, chance: Random): void {
  const isPower = chance.chance(0.7);
  if (chance.chance(cutShare)) device.cutAfter(chance.int(0, 5), isPower);
  else device.stop(isPower, isPower ? chance.between(3000, 90_000) : 1500);
}

function freeze({ checker }: FaultParts, device: SimDevice, chance: Random): void {
  const forMs = chance.between(3000, 400_000);
  if (device.freeze(forMs, chance.chance(0.5))) checker.onFrozen(device.index, forMs);
}

function blind(queue: EventQueue, device: SimDevice, isBlind: boolean): void {
  device.isBlind = isBlind;
  soon(queue, device, () => device.life?.send({ kind: 'camera', cameraId: 'camera-1', lost: isBlind, healthy: null }));
}

/** Now, or when the box goes on. */
function soon(queue: EventQueue, { index }: SimDevice, run: () => void): void {
  queue.after(0, run, index);
}

/** Poisson moments with this mean distance, until the faults stop. */
function moments(
  { queue, untilMs }: FaultParts,
  random: Random,
  everyMs: number | null,
  happen: (random: Random) => void,
): void {
  if (everyMs === null) return;
  const next = () => {
    const inMs = -Math.log(1 - random.next()) * everyMs;
    if (queue.nowMs + inMs >= untilMs) return;
    queue.after(inMs, () => {
      happen(random);
      next();
    });
  };
  next();
}
