// Who acted, as a line of the audit tells it: the name, and the API token where it was one.

/** `ana`, or `ana (token ci-deploy, t-3f9a)`. */
export function actorText({ actor, details }: { readonly actor: string; readonly details?: unknown }): string {
  const { via } = (details ?? {}) as { readonly via?: { readonly token?: unknown; readonly name?: unknown } };
  if (typeof via?.token !== 'string' || typeof via.name !== 'string') return actor;
  return `${actor} (token ${via.name}, ${via.token})`;
}
