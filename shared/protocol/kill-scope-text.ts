// The scope of a kill as one word that fits into an address and a form field: `fleet`, `site:plant-a`, `device:plant-a/cam-01`,
// `rollout:<id>`, `release:<reference>`. No schemas here: the dashboard runs this too.

export type KillScopeText =
  | { readonly kind: 'fleet' }
  | { readonly kind: 'site'; readonly site: string }
  | { readonly kind: 'device'; readonly site: string; readonly device: string }
  | { readonly kind: 'rollout'; readonly rolloutId: string }
  | { readonly kind: 'release'; readonly release: string };

export function writeKillScope(scope: KillScopeText): string {
  return scope.kind === 'fleet' ? 'fleet' : `${scope.kind}:${nameKillScope(scope)}`;
}

/** Null when it is none of them; names are looked at by whoever uses them. */
export function readKillScope(text: string): KillScopeText | null {
  if (text === 'fleet') return { kind: 'fleet' };
  const colon = text.indexOf(':');
  const [kind, name] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 0 || name === '') return null;
  if (kind === 'site') return { kind, site: name };
  if (kind === 'rollout') return { kind, rolloutId: name };
  if (kind === 'release') return { kind, release: name };
  const [site, device, ...rest] = name.split('/');
  return kind === 'device' && site && device && rest.length === 0 ? { kind, site, device } : null;
}

/** What a person calls it, and types to confirm it. */
export function nameKillScope(scope: KillScopeText): string {
  switch (scope.kind) {
    case 'fleet':
      return 'fleet';
    case 'site':
      return scope.site;
    case 'device':
      return `${scope.site}/${scope.device}`;
    case 'rollout':
      return scope.rolloutId;
    case 'release':
      return scope.release;
  }
}

/** The same on the command line. */
export function killCommand(scope: KillScopeText, reason: string): string {
  const option = scope.kind === 'fleet' ? '--all' : `--${scope.kind} ${JSON.stringify(nameKillScope(scope))}`;
  return `belay kill ${option} --reason ${JSON.stringify(reason)}`;
}
