// The stages one after the other, with what was planned, what came, and the clock of the current one.
import { ladderOf } from './ladder.ts';
import { useServerNow } from './now.ts';
import type { Parts } from './parts.ts';
import { Chip } from './signs.tsx';

export function Ladder({ view }: Pick<Parts, 'view'>) {
  const rungs = ladderOf(view, useServerNow());
  return (
    <section aria-label="Stages">
      <ol class="ladder">
        {rungs.map((rung) => (
          <li key={rung.name} class={rung.status} aria-current={rung.status === 'current' ? 'step' : undefined}>
            <strong>{rung.name}</strong> <Chip sign={rung} />
            <div>{rung.size}</div>
            {rung.share === null ? null : <progress value={rung.share} max={1} aria-label={`Stage ${rung.name}`} />}
            <div class="soft">planned {rung.planned}</div>
            {rung.actual === '' ? null : <div class="soft">{rung.actual}</div>}
          </li>
        ))}
      </ol>
    </section>
  );
}
