// Slows guessing of passwords: per account and per address, with waits that stay short, so that nobody can lock the on-call
// out. An address from which the account has signed in before counts by itself. Time comes in; sessions and tokens that
// exist are never asked here.

export type Attempt = { readonly account: string; readonly address: string };

type Tries = { count: number; lastAtMs: number };
type Limit = { readonly free: number; readonly waitMsMax: number };

const OF_ACCOUNT: Limit = { free: 5, waitMsMax: 30_000 };
/** A whole plant may sit behind one address. */
const OF_ADDRESS: Limit = { free: 20, waitMsMax: 60_000 };
const FIRST_WAIT_MS = 1000;
const FORGET_AFTER_MS = 15 * 60_000;
const KEYS_MAX = 10_000;

export class SignInThrottle {
  readonly #tries = new Map<string, Tries>();
  readonly #known = new Map<string, true>();

  /** 0: go on, and it counts as failed until `succeeded` is told; else how long to wait (and it does not count). */
  attempt(attempt: Attempt, nowMs: number): number {
    const keys = this.#keys(attempt);
    const waitMs = Math.max(...keys.map(([key, limit]) => this.#waitMs(key, limit, nowMs)));
    if (waitMs > 0) return waitMs;
    for (const [key] of keys) this.#count(key, nowMs);
    return 0;
  }

  succeeded(attempt: Attempt): void {
    for (const [key] of this.#keys(attempt)) this.#tries.delete(key);
    keep(this.#known, pairOf(attempt), true);
  }

  #keys(attempt: Attempt): readonly (readonly [string, Limit])[] {
    const pair = pairOf(attempt);
    const ofAccount = this.#known.has(pair) ? `pair ${pair}` : `account ${attempt.account}`;
    return [
      [ofAccount, OF_ACCOUNT],
      [`address ${networkOf(attempt.address)}`, OF_ADDRESS],
    ];
  }

  #waitMs(key: string, { free, waitMsMax }: Limit, nowMs: number): number {
    const tries = this.#tries.get(key);
    if (!tries || tries.count < free || nowMs - tries.lastAtMs >= FORGET_AFTER_MS) return 0;
    const waitMs = Math.min(waitMsMax, FIRST_WAIT_MS * 2 ** Math.min(20, tries.count - free));
    // A clock that was set back must not make anybody wait longer than the longest wait.
    return Math.min(waitMsMax, Math.max(0, tries.lastAtMs + waitMs - nowMs));
  }

  #count(key: string, nowMs: number): void {
    const before = this.#tries.get(key);
    const isOld = before === undefined || nowMs - before.lastAtMs >= FORGET_AFTER_MS;
    keep(this.#tries, key, { count: isOld ? 1 : before.count + 1, lastAtMs: nowMs });
  }
}

function pairOf({ account, address }: Attempt): string {
  return `${account} ${networkOf(address)}`;
}

/** An IPv6 customer has a whole /64: its first four groups. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const first = head.split(':').filter(Boolean);
  const last = tail?.split(':').filter(Boolean) ?? [];
  const gap = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return [...first, ...gap, ...last].slice(0, 4).join(':');
}

/** The newest last; the oldest makes room. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > KEYS_MAX && oldest !== undefined) map.delete(oldest);
}
