// The words of a verdict: one sentence with its counts, and what would decide it while it is open.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { type Scale, showRange, showValue } from './guardrails.ts';
import type { Interval } from './uncertainty.ts';

export type Story = {
  readonly guardrail: Guardrail;
  readonly interval: Interval;
  readonly scale: Scale;
  readonly verdict: 'pass' | 'breach' | 'inconclusive';
  readonly low: number;
  readonly high: number;
  readonly draft: Verdict;
  /** What it was decided by, when that is not the whole stage: `without the worst device, last 15 min`. */
  readonly span: string | null;
  readonly slice: string | null;
};

export function sentenceOf({ guardrail, interval, scale, verdict, low, high, draft, span, slice }: Story): string {
  const words = { pass: 'is inside', breach: 'breaks', inconclusive: 'may or may not be inside' } as const;
  const blind = draft.blind.length === 0 ? '' : `; no evidence of its own: ${draft.blind.join(', ')}`;
  const where = slice === null ? '' : ` on ${slice}`;
  const when = span === null ? '' : `, ${span}`;
  return `${guardrail.title}${where} ${showValue(scale, interval.estimate)} ${words[verdict]} its limit ${guardrail.limitText} (plausible ${showRange(scale, low, high)}; ${basisText(interval, draft.count)}${when})${blind}`;
}

function basisText(interval: Interval, count: number): string {
  const devices = `${interval.n} device${interval.n === 1 ? '' : 's'}`;
  const spread = interval.spread === 'between windows' ? ', few devices: spread between windows' : '';
  switch (interval.level) {
    case 'same frames':
      return `${devices}, n = ${count} on the same frames${spread}`;
    case 'labelled frames':
      return interval.spread === 'between pictures'
        ? `by pixels, n = ${count} labelled objects, worst hardware class`
        : `n = ${count} labelled objects, worst hardware class`;
    case 'absolute':
      return `${devices}, n = ${count} frames${spread}`;
    case 'own baseline only':
      return `${devices} against their own past, no controls${spread}`;
    default:
      return `${devices} against ${interval.controls} control${interval.controls === 1 ? '' : 's'} of the same ${interval.level}${spread}`;
  }
}

export type Doubt = {
  readonly n: number;
  /** From the estimate to the limit, and how far the estimate may be off; on the scale of comparison. */
  readonly gap: number;
  readonly reach: number;
  readonly spanMs: number;
  /** False when a longer span was seen not to be surer than a short one: devices differ, and time does not change that. */
  readonly doesTimeHelp: boolean;
};

/** More than this many times the evidence: the value lies at its limit, and saying a number would mislead. */
const MORE_MAX = 30;

/** `~8 more devices or ~25 min`. */
export function needsText({ n, gap, reach, spanMs, doesTimeHelp }: Doubt): string | null {
  const times = (reach / gap) ** 2;
  if (!(times > 1)) return null;
  if (!(times < MORE_MAX)) return 'the value lies at its limit: neither time nor devices will decide it soon';
  const devices = Math.ceil(n * (times - 1));
  const more = `~${devices} more device${devices === 1 ? '' : 's'}`;
  const minutes = Math.ceil((spanMs * (times - 1)) / 60_000);
  return doesTimeHelp && spanMs > 0 ? `${more} or ~${minutes} min` : `${more}; more time will not help`;
}
