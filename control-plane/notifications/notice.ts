// A thing that somebody outside may want to know, and the CloudEvent that tells it. Pure.
import type { CloudEvent, WebhookEvent } from '../../shared/protocol/api-webhooks.ts';

export type Notice = {
  /** Unique and the same however often it is told. */
  readonly id: string;
  readonly type: WebhookEvent;
  /** As in the audit: `rollout/ro-1`, `kill/k-1`, `device/plant-a/cam-1`. */
  readonly subject: string;
  readonly atMs: number;
  /** Whom it concerns; `'*'`: no site in particular. */
  readonly sites: readonly string[] | '*';
  readonly data: Readonly<Record<string, unknown>>;
};

export type Wanted = { readonly events: readonly string[] | '*'; readonly sites: readonly string[] | '*' };

export function isWanted(notice: Pick<Notice, 'type' | 'sites'>, { events, sites }: Wanted): boolean {
  if (events !== '*' && !events.includes(notice.type)) return false;
  if (sites === '*' || notice.sites === '*') return true;
  return notice.sites.some((site) => sites.includes(site));
}

/** CloudEvents 1.0, structured: the JSON text that is signed and sent. */
export function cloudEventText(
  { id, subject, atMs, data, ...notice }: Omit<Notice, 'sites' | 'type'> & { readonly type: string },
  source: string,
): string {
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source,
    type: notice.type,
    subject,
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data: { ...data },
  };
  return JSON.stringify(event);
}
