// Where a limit against the controls lies: the rate that they show in the very span that is judged.
import type { Guardrail } from '../../shared/rollout/guardrails.ts';
import { countRate, sum } from './device-metrics.ts';
import type { Reference } from './guardrails.ts';
import type { Selected } from './selected.ts';

type Arms = { readonly candidates: readonly Selected[]; readonly controls: readonly Selected[] };

/** What the controls show meanwhile; without any, what the candidates showed before. */
export function referenceOf({ expression }: Guardrail, { candidates, controls }: Arms): Reference {
  const metric = expression.metric === 'dropped' ? 'dropped' : 'errors';
  const rates = (all: readonly Selected[], of: 'since' | 'before') =>
    all.map((selected) => countRate(selected[of].totals, metric)).filter(({ total }) => total > 0);
  const meanwhile = rates(controls, 'since');
  const { hits, total } = pool(meanwhile.length > 0 ? meanwhile : rates(candidates, 'before'));
  const own = candidates
    .map(({ since, before }) => Math.min(...[since, before].map((span) => countRate(span.totals, metric).total)))
    .filter((frames) => frames > 0);
  const frames = own.length === 0 ? 1 : sum(own, (each) => each) / own.length;
  return { rate: total === 0 ? 0 : hits / total, frames };
}

function pool(all: readonly { readonly hits: number; readonly total: number }[]) {
  return { hits: sum(all, ({ hits }) => hits), total: sum(all, ({ total }) => total) };
}
