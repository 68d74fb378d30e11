// Why clients were refused or cut: counted by a bounded reason, logged at most once per client and minute. Decides nothing.
import { BelayError } from '../../shared/basics/errors.ts';

export type FaultReason =
  | 'answers-dropped'
  | 'authentication-failed'
  | 'bad-client-id'
  | 'bad-credentials'
  | 'broker-closing'
  | 'broker-error'
  | 'connect-timeout'
  | 'connection-lost'
  | 'flood'
  | 'foreign-will'
  | 'frame-too-large'
  | 'ingest-failed'
  | 'keepalive-refused'
  | 'keepalive-timeout'
  | 'protocol-error'
  | 'publish-refused'
  | 'qos-2'
  | 'session-not-clean'
  | 'sink-failed'
  | 'slow-client'
  | 'subscribe-refused'
  | 'taken-over'
  | 'too-many-connections'
  | 'unknown-channel'
  | 'wrong-client-id';

/** A client is being refused or cut. The message is for operators; the client sees only the closed connection or a return code. */
export class Refusal extends BelayError {
  readonly reason: FaultReason;
  /** CONNACK return code when thrown before the session stands (MQTT 3.1.1 §3.2.2.3). */
  readonly returnCode: 2 | 3 | 4 | 5;

  constructor(
    reason: FaultReason,
    message: string,
    options: { readonly cause?: unknown; readonly returnCode?: 2 | 3 | 4 | 5 } = {},
  ) {
    super(reason, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.returnCode = options.returnCode ?? 5;
  }
}

/** The part of pino's logger the broker uses. */
export type MessagingLog = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export type Fault = {
  readonly reason: FaultReason;
  /** Who did it: a client id that proved itself, else the address it came from. */
  readonly who: string;
  readonly detail: string;
};

export type FaultCounts = Readonly<Partial<Record<FaultReason, number>>>;

export type Faults = {
  record(fault: Fault): void;
  counts(): FaultCounts;
  /** Forgets who was logged long ago, so that the memory stays bounded. */
  prune(nowMs: number): void;
};

/** Our own end and the everyday ends of a connection: nothing a person must look at. */
const QUIET_REASONS: ReadonlySet<FaultReason> = new Set(['broker-closing', 'connection-lost', 'keepalive-timeout']);

export function createFaults(options: {
  readonly log: MessagingLog;
  readonly logEveryMs: number;
  readonly now: () => number;
}): Faults {
  const counts = new Map<FaultReason, number>();
  const loggedAtMs = new Map<string, number>();
  return {
    record(fault) {
      counts.set(fault.reason, (counts.get(fault.reason) ?? 0) + 1);
      const nowMs = options.now();
      if (nowMs - (loggedAtMs.get(fault.who) ?? Number.NEGATIVE_INFINITY) < options.logEveryMs) return;
      loggedAtMs.set(fault.who, nowMs);
      const level = QUIET_REASONS.has(fault.reason) ? 'debug' : 'warn';
      options.log[level]({ client: fault.who, reason: fault.reason, detail: fault.detail }, 'client fault');
    },
    counts: () => Object.fromEntries(counts),
    prune(nowMs) {
      for (const [who, atMs] of loggedAtMs) if (nowMs - atMs >= options.logEveryMs) loggedAtMs.delete(who);
    },
  };
}

/** The texts of aedes 1.2 and mqtt-packet 9 that tell more than "protocol error". */
const KNOWN_MESSAGES: readonly (readonly [string, FaultReason])[] = [
  ['connect did not arrive in time', 'connect-timeout'],
  ['keep alive timeout', 'keepalive-timeout'],
  ['keep alive limit exceeded', 'keepalive-refused'],
  ['drain timeout', 'slow-client'],
  ['connection closed', 'connection-lost'],
  ['Client queue limit reached', 'flood'],
];

/** Puts any error of a connection under one of our reasons. */
export function classifyError(error: unknown): FaultReason {
  if (error instanceof Refusal) return error.reason;
  if (!(error instanceof Error)) return 'protocol-error';
  const known = KNOWN_MESSAGES.find(([text]) => error.message === text);
  if (known) return known[1];
  return isSocketError(error) ? 'connection-lost' : 'protocol-error';
}

function isSocketError(error: Error): boolean {
  return 'syscall' in error || ('code' in error && String(error.code).startsWith('ERR_STREAM'));
}
