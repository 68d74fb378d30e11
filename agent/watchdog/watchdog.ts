// The door of the watchdog: tells systemd that the agent has started, that its frame loop lives, and what it does. Does
// nothing at all where systemd does not ask. A loop that is wedged is told to nobody: silence is the message.
import type { RoomLog } from '../frames/child-log.ts';
import { firstPulse, judgePulse, nextPulse, type PulseFacts } from './frame-pulse.ts';
import { type Notice, openNotify } from './notify.ts';
import { readyBecause } from './readiness.ts';

export type WatchdogFacts = Omit<PulseFacts, 'nowMs'> & {
  readonly answered: number;
  readonly isServing: boolean;
  /** One sentence for `systemctl status`. */
  readonly sentence: string;
};

export type WatchdogParts = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly facts: () => WatchdogFacts;
  readonly monotonicNow: () => number;
  readonly log: Pick<RoomLog, 'info' | 'warn'>;
};

export type Watchdog = { readonly close: () => Promise<void> };

const LOOK_MS = 250;
/** A frame may have two deadlines of ten seconds, the candidate's and the baseline's: shorter silence accuses nobody. */
const STUCK_MS_MIN = 25_000;
/** systemd's own wish: ping in less than half of the time; a third leaves room for one that is late. */
const PINGS_PER_TIMEOUT = 3;
const STATUS_EVERY_MS = 10_000;
const SENTENCE_CHARS_MAX = 300;

export function openWatchdog(parts: WatchdogParts): Watchdog {
  const { NOTIFY_SOCKET, PATH = '/usr/bin:/bin', WATCHDOG_USEC } = parts.env;
  if (!NOTIFY_SOCKET) return { close: async () => undefined };
  const notify = openNotify({ env: { NOTIFY_SOCKET, PATH }, log: parts.log });
  const timeoutMs = Number(WATCHDOG_USEC ?? 0) / 1000;
  const watch = new Watch(parts, notify.send, timeoutMs > 0 ? timeoutMs : null);
  const timer = setInterval(() => watch.look(), LOOK_MS);
  return {
    close: async () => {
      clearInterval(timer);
      notify.send({ STOPPING: '1', STATUS: 'stopping' });
      await notify.flush();
    },
  };
}

class Watch {
  readonly #parts: WatchdogParts;
  readonly #send: (notice: Notice) => void;
  /** Null: systemd wants no pings. */
  readonly #timeoutMs: number | null;
  readonly #startedMs: number;
  #pulse;
  #isReady = false;
  #isWedged = false;
  #pingedMs: number;
  #status = { sentence: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(parts: WatchdogParts, send: (notice: Notice) => void, timeoutMs: number | null) {
    this.#parts = parts;
    this.#send = send;
    this.#timeoutMs = timeoutMs;
    this.#startedMs = this.#pingedMs = parts.monotonicNow();
    this.#pulse = firstPulse({ ...parts.facts(), nowMs: this.#startedMs });
  }

  look(): void {
    const nowMs = this.#parts.monotonicNow();
    const facts = this.#parts.facts();
    this.#pulse = nextPulse(this.#pulse, { ...facts, nowMs });
    const notice = { ...this.#ready(facts, nowMs), ...this.#ping(nowMs), ...this.#say(facts, nowMs) };
    if (Object.keys(notice).length > 0) this.#send(notice);
  }

  #ready({ answered, isServing }: WatchdogFacts, nowMs: number) {
    if (this.#isReady) return {};
    const because = readyBecause({ sinceStartMs: nowMs - this.#startedMs, answered, isServing });
    if (because === null) return {};
    this.#isReady = true;
    this.#parts.log.info({ because }, 'started');
    return { READY: '1' };
  }

  #ping(nowMs: number) {
    if (this.#timeoutMs === null) return {};
    const everyMs = this.#timeoutMs / PINGS_PER_TIMEOUT;
    const life = judgePulse(this.#pulse, nowMs, Math.max(STUCK_MS_MIN, this.#timeoutMs));
    if (life.kind === 'wedged') return this.#accuse(life.reason);
    this.#isWedged = false;
    if (nowMs - this.#pingedMs < everyMs) return {};
    this.#pingedMs = nowMs;
    return { WATCHDOG: '1' };
  }

  #accuse(reason: string) {
    if (!this.#isWedged) this.#parts.log.warn({ reason }, 'the watchdog is fed no more');
    this.#isWedged = true;
    return {};
  }

  #say({ sentence }: WatchdogFacts, nowMs: number) {
    const isSame = sentence === this.#status.sentence;
    if (isSame || (this.#status.sentence !== '' && nowMs - this.#status.atMs < STATUS_EVERY_MS)) return {};
    this.#status = { sentence, atMs: nowMs };
    // A message is lines of NAME=value.
    return { STATUS: sentence.replaceAll(/\s+/g, ' ').slice(0, SENTENCE_CHARS_MAX) };
  }
}
