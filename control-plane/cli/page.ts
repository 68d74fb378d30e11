// Where a thing is on the dashboard. The addresses are those of its table of pages.

export type Thing =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'device'; readonly site: string; readonly device: string }
  | { readonly kind: 'rollout' | 'incident' | 'release'; readonly id: string }
  | { readonly kind: 'kill' };

/** `url`: of the control plane, which serves the dashboard too. */
export function pageOf(url: string, thing: Thing): string {
  return new URL(pathOf(thing), url).href;
}

function pathOf(thing: Thing): string {
  switch (thing.kind) {
    case 'fleet':
      return '/';
    case 'device':
      return `/devices/${encodeURIComponent(thing.site)}/${encodeURIComponent(thing.device)}`;
    case 'rollout':
      return `/rollouts/${encodeURIComponent(thing.id)}`;
    case 'incident':
      return `/incidents/${encodeURIComponent(thing.id)}`;
    case 'release':
      return `/models/${encodeURIComponent(thing.id)}`;
    case 'kill':
      return '/kill';
  }
}
