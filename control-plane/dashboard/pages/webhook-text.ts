// What the webhooks section says: pure texts, without a browser.
import type { Delivery, Webhook, WebhookEvent } from '../../../shared/protocol/api-webhooks.ts';

/** `rollout.held` of `dev.belay.rollout.held.v1`. */
export function shortEvent(type: string): string {
  return type.replace(/^dev\.belay\./, '').replace(/\.v1$/, '');
}

export function wantedText({ events, sites }: Pick<Webhook, 'events' | 'sites'>): string {
  const what = events === '*' ? 'everything' : events.map(shortEvent).join(', ');
  return sites === '*' ? `${what}, every site` : `${what}, at ${sites.join(', ')}`;
}

/** How it goes, worst first. */
export function stateText({ disabledAtMs, disabledBecause, trouble, waiting, dead }: Webhook): string {
  if (disabledAtMs !== null) return `disabled: ${disabledBecause ?? 'no reason given'}`;
  const counts = [...(waiting > 0 ? [`${waiting} waiting`] : []), ...(dead > 0 ? [`${dead} dead`] : [])].join(', ');
  if (trouble !== null) return `failing: ${trouble}${counts === '' ? '' : ` (${counts})`}`;
  return counts === '' ? 'ok' : `ok (${counts})`;
}

export function outcomeText({ state, attempts, log }: Delivery): string {
  const [newest] = log;
  if (newest === undefined) return state === 'waiting' ? 'waiting for its first attempt' : state;
  const answered = newest.error ?? `answered ${newest.status}`;
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return `${state}: ${answered} after ${Math.round(newest.tookMs)} ms (${times})`;
}

/** `a, b` as a list; nothing written: everything. */
export function readList(text: string): '*' | string[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.length === 0 ? '*' : items;
}

/** What a person may write for an event, as the API names it; what is not known is sent as it is and refused there. */
export function longEvent(name: string): WebhookEvent {
  return (name.startsWith('dev.belay.') ? name : `dev.belay.${name}.v1`) as WebhookEvent;
}
