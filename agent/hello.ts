// What the device says first on every connection, and again when it asks for a lease: what it has reached, so that the
// control plane sends what is missing. Never queued: a hello that was not delivered is followed by another.
import { describeError } from '../shared/basics/errors.ts';
import type { Hello } from '../shared/protocol/reports.ts';
import { killEpochOf } from './core/kills.ts';
import type { CoreState } from './core/state.ts';
import type { RoomLog } from './frames/child-log.ts';
import type { Link } from './link/link.ts';

export type HelloParts = {
  /** Who this device is, in this boot. */
  readonly header: Pick<Hello, 'v' | 'site' | 'device' | 'boot' | 'agentVersion' | 'hardwareClass' | 'line'>;
  readonly state: () => CoreState;
  readonly spool: { readonly seqLast: number };
  readonly link: Pick<Link, 'publish' | 'isUp'>;
  readonly log: Pick<RoomLog, 'debug'>;
};

/** Says hello; `lease`: what it asks for. */
export function openHello({ header, state, spool, link, log }: HelloParts): (lease: Hello['lease']) => void {
  return (lease) => {
    if (!link.isUp()) return;
    const { desired, durable } = state();
    const reached = { generation: desired?.generation ?? 0, killEpoch: killEpochOf(durable), seq: spool.seqLast };
    const text = JSON.stringify({ ...header, ...reached, lease } satisfies Hello);
    link.publish('hello', text, { qos: 1, retain: false }).catch((error: unknown) => {
      log.debug({ error: describeError(error) }, 'hello was not delivered; it is said again');
    });
  };
}
