// The kills in force, each with the way to its page.
import type { KillSummary } from '../../../../shared/protocol/api-kills.ts';
import { Age } from '../../shell/kit.tsx';
import { scopeTitle } from './kill-words.ts';

/** `kills` null: not read yet. */
export function KillsInForce({ kills }: { readonly kills: readonly KillSummary[] | null }) {
  return (
    <section>
      <h2>In force{kills === null ? '' : ` (${kills.length})`}</h2>
      {kills === null ? <p>Not read yet.</p> : null}
      {kills?.length === 0 ? <p>No kill is in force.</p> : null}
      <ul class="in-force">
        {kills?.map((kill) => (
          <li key={kill.id}>
            <a href={`/kill/${kill.id}`}>{scopeTitle(kill.scope)}</a>
            <span>{kill.reason}</span>
            <small>
              {kill.actor}, <Age atMs={kill.raisedAtMs} staleMs={Number.POSITIVE_INFINITY} />
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}
