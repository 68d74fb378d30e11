// What a person says ("this release", "that rollout") as the scope that devices understand: with the digest in it.
// From memory first: it must work while the database does not.
import { describeError } from '../../shared/basics/errors.ts';
import type { KillScopeInput } from '../../shared/protocol/api-kills.ts';
import type { KillScope, ReleaseRef } from '../../shared/protocol/documents.ts';
import type { PresenceBook } from '../devices/presence.ts';

export type ResolvedScope =
  | { readonly kind: 'found'; readonly scope: KillScope }
  | { readonly kind: 'unknown' | 'ambiguous'; readonly reason: string };

export type ScopeLookup = (input: KillScopeInput) => Promise<ResolvedScope>;

export type ScopeSources = {
  readonly resolveRelease: (
    reference: string,
  ) =>
    | { readonly kind: 'found'; readonly ref: ReleaseRef }
    | { readonly kind: 'unknown' }
    | { readonly kind: 'ambiguous'; readonly ids: readonly string[] };
  readonly presence: PresenceBook;
  /** Asks the rollouts room, by id or name; null when it does not know. May throw: it needs the database. */
  readonly findRollout: (idOrName: string) => Promise<{ readonly rolloutId: string; readonly digest: string } | null>;
};

export function openScopeLookup(sources: ScopeSources): ScopeLookup {
  return async (input) => {
    if (input.kind === 'release') return resolveReleaseScope(sources, input);
    if (input.kind === 'rollout') return resolveRolloutScope(sources, input);
    return { kind: 'found', scope: input };
  };
}

function resolveReleaseScope(
  { resolveRelease, presence }: ScopeSources,
  input: Extract<KillScopeInput, { kind: 'release' }>,
): ResolvedScope {
  const resolved = resolveRelease(input.digest ?? input.release);
  if (resolved.kind === 'found') return { kind: 'found', scope: { kind: 'release', ...refOf(resolved.ref) } };
  if (resolved.kind === 'ambiguous') {
    return { kind: 'ambiguous', reason: `"${input.release}" fits ${resolved.ids.join(', ')}; add +data=<tag>` };
  }
  // Not registered, but running somewhere (a factory release): devices have told its digest.
  const running = presence.list().flatMap(({ serving, committed, candidate }) => [serving, committed, candidate]);
  const seen = running.find((ref) => ref !== null && (ref.release === input.release || ref.digest === input.digest));
  if (seen) return { kind: 'found', scope: { kind: 'release', ...refOf(seen) } };
  return { kind: 'unknown', reason: `no release "${input.release}" is registered, and no device reports it` };
}

async function resolveRolloutScope(
  { presence, findRollout }: ScopeSources,
  input: Extract<KillScopeInput, { kind: 'rollout' }>,
): Promise<ResolvedScope> {
  const { rolloutId, digest } = input;
  const assigned = presence.list().find((device) => device.desiredRollout?.rolloutId === rolloutId)?.desiredRollout;
  try {
    const known = digest === undefined ? (assigned ?? (await findRollout(rolloutId))) : { rolloutId, digest };
    if (!known) return { kind: 'unknown', reason: `no rollout "${rolloutId}" is known` };
    return { kind: 'found', scope: { kind: 'rollout', rolloutId: known.rolloutId, digest: known.digest } };
  } catch (error) {
    const why = describeError(error);
    return {
      kind: 'unknown',
      reason: `rollout "${rolloutId}" cannot be looked up now (${why}); kill its release, a site or all`,
    };
  }
}

function refOf({ release, digest }: ReleaseRef): { release: string; digest: string } {
  return { release, digest };
}
