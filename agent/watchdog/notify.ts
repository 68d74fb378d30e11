// Messages to systemd, through its own `systemd-notify`: Node cannot open the socket they go to. One short-lived child at
// a time, never waited for by anything but the end of the agent.
import { type ChildProcess, spawn } from 'node:child_process';
import { describeError } from '../../shared/basics/errors.ts';
import type { RoomLog } from '../frames/child-log.ts';

export type Notice = Readonly<Record<string, string>>;

export type Notify = {
  /** Newer values of a variable win over older ones that have not gone out yet. */
  readonly send: (notice: Notice) => void;
  /** Resolves when everything is sent, or after a second. */
  readonly flush: () => Promise<void>;
};

export type NotifyParts = {
  /** NOTIFY_SOCKET and PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: Pick<RoomLog, 'warn'>;
};

/** systemd answers in milliseconds; a child that hangs must not keep the next message waiting for long. */
const CHILD_MS_MAX = 5_000;
const FLUSH_MS_MAX = 1_000;

export function openNotify({ env, log }: NotifyParts): Notify {
  let waiting: Record<string, string> = {};
  let child: ChildProcess | null = null;
  let isBroken = false;
  let idle = Promise.withResolvers<void>();
  const next = () => {
    const pairs = Object.entries(waiting).map(([name, value]) => `${name}=${value}`);
    child = null;
    if (pairs.length === 0) idle.resolve();
    if (pairs.length === 0) return;
    waiting = {};
    // Without --no-block: it stays until systemd has read the message. One that is gone by then belongs to no service.
    child = spawn('systemd-notify', pairs, {
      env: { ...env },
      stdio: 'ignore',
      timeout: CHILD_MS_MAX,
      killSignal: 'SIGKILL',
    });
    child.once('error', (error) => {
      if (!isBroken) log.warn({ reason: describeError(error) }, 'systemd is not told how this agent fares');
      isBroken = true;
    });
    child.once('close', next);
  };
  return {
    send: (notice) => {
      waiting = { ...waiting, ...notice };
      if (child !== null) return;
      idle = Promise.withResolvers<void>();
      next();
    },
    flush: async () => {
      if (child === null) return;
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, FLUSH_MS_MAX);
      await Promise.race([idle.promise, late]);
      clearTimeout(timer);
    },
  };
}
