// Pumps the spool to the control plane: a few documents in flight, removed only when the control plane says that they
// are stored. A PUBACK proves nothing, so it is not waited for; what is not acknowledged in time is sent again.
import type { Logger } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import type { Ack } from '../../shared/protocol/documents.ts';
import type { DeviceChannel } from '../../shared/protocol/topics.ts';
import type { Spool } from './spool.ts';
import type { SpoolEntry } from './spool-statements.ts';

export type ReporterLink = {
  readonly isUp: () => boolean;
  readonly publish: (
    channel: DeviceChannel,
    payload: string,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ) => Promise<void>;
};

export type ReporterOptions = {
  readonly spool: Pick<Spool, 'pending' | 'acknowledge'>;
  readonly link: ReporterLink;
  readonly monotonicNow: () => number;
  readonly log: Logger;
  /** Sent again after this long without acknowledgement. */
  readonly resendMs?: number;
  readonly inFlightMax?: number;
};

export type Reporter = {
  /** Something may be waiting, or the link came up. Cheap; call it whenever in doubt. */
  readonly wake: () => void;
  readonly acknowledged: (ack: Ack) => void;
  /** The connection is new: what was in flight on the old one is sent again at once. */
  readonly linkUp: () => void;
  readonly close: () => void;
};

const RESEND_MS = 10_000;
/** Enough to hide the round trip, few enough that a slow control plane is not flooded. */
const IN_FLIGHT_MAX = 20;

export function openReporter(options: ReporterOptions): Reporter {
  const { spool, link, monotonicNow, log, resendMs = RESEND_MS, inFlightMax = IN_FLIGHT_MAX } = options;
  /** `boot seq` → when it was sent. */
  let sentAtMs = new Map<string, number>();
  const send = (entry: SpoolEntry) => {
    const key = keyOf(entry);
    sentAtMs.set(key, monotonicNow());
    link.publish(entry.class, entry.text, { qos: 1, retain: false }).catch((error: unknown) => {
      // The link says itself when it is down; the next look sends again.
      log.debug({ key, error: describeError(error) }, 'a document was not accepted by the broker');
      sentAtMs.delete(key);
    });
  };
  const wake = () => {
    if (!link.isUp()) return;
    const entries = spool.pending(inFlightMax);
    const now = monotonicNow();
    const waiting = new Set(entries.map(keyOf));
    sentAtMs = new Map([...sentAtMs].filter(([key, atMs]) => waiting.has(key) && now - atMs < resendMs));
    for (const entry of entries) if (!sentAtMs.has(keyOf(entry))) send(entry);
  };
  const timer = setInterval(wake, Math.max(10, resendMs / 4));
  timer.unref();
  return {
    wake,
    acknowledged: ({ boot, seq }) => {
      spool.acknowledge(boot, seq);
      wake();
    },
    linkUp: () => {
      sentAtMs = new Map();
      wake();
    },
    close: () => clearInterval(timer),
  };
}

function keyOf(entry: Pick<SpoolEntry, 'boot' | 'seq'>): string {
  return `${entry.boot} ${entry.seq}`;
}
