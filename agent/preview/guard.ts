// Who may ask the preview for something: a person at this box, by its address. Not a page of another site in that
// person's browser, neither by a name that has been bent to this address nor by an image it embeds. Pure.
import { isIP } from 'node:net';

export type Asked = {
  readonly method: string | undefined;
  readonly host: string | undefined;
  /** `Sec-Fetch-Site`: what a browser says of the page that asks. */
  readonly fetchSite: string | undefined;
  /** `Sec-Fetch-Dest`: what it is wanted for. */
  readonly fetchDest: string | undefined;
};

export type Refused = { readonly status: number; readonly reason: string };

const OWN_NAMES = new Set(['localhost', '127.0.0.1', '[::1]']);

/** `boundTo`: the configured host. Null: welcome. */
export function refusal({ method, host, fetchSite, fetchDest }: Asked, boundTo: string): Refused | null {
  if (!isOwnName(host, boundTo)) return { status: 421, reason: 'this host name is not mine: ask by my address' };
  const isForeign = fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  // Following a link to here is a person's wish; embedding or fetching from there is the other page's.
  if (isForeign && fetchDest !== 'document')
    return { status: 403, reason: 'pages of other sites may not look in here' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: 'there is nothing to change here' };
  return null;
}

function isOwnName(host: string | undefined, boundTo: string): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/.exec(host?.toLowerCase() ?? '')?.[1];
  if (name === undefined) return false;
  if (OWN_NAMES.has(name)) return true;
  const address = name.replaceAll(/[[\]]/g, '');
  // Bound to every address of the box, any address may be its own; a name never is.
  return isIP(address) !== 0 && (address === boundTo || boundTo === '0.0.0.0' || boundTo === '::');
}
