// The top of the page: the verdict in a sentence, the clock to the next decision, and who is exposed.
import { endpoint } from '../../../../shared/protocol/address.ts';
import { useResource } from '../../live/resource.ts';
import { Age, Cli } from '../../shell/kit.tsx';
import { useServerNow } from './now.ts';
import type { Parts } from './parts.ts';
import { Chip } from './signs.tsx';
import { worstSentence } from './verdict-words.ts';
import { clockText, exposureFacts, moveText, signOfState, stageText, timeText } from './words.ts';

export function Head({ view, readAtMs }: Parts & { readonly readAtMs: number | null }) {
  const sign = signOfState(view);
  const worst = worstSentence(view);
  return (
    <header class={`head ${sign.tone}`}>
      <p class="soft">
        <a href="/rollouts">Rollouts</a> / {view.id}
      </p>
      <h1>
        {view.name} <Chip sign={sign} />
      </h1>
      <p class="move">{moveText(view)}</p>
      <p class="sentence" aria-live="polite">
        {view.killed === null ? view.status : `${view.killed}. ${view.status}`}
      </p>
      {worst === null || view.endedAtMs !== null ? null : <p class="worst">{worst}</p>}
      {view.holdReason === null ? null : <p>Held: {view.holdReason}</p>}
      {view.closed === null ? null : <p>{view.closed}</p>}
      {view.verification === null ? null : <p>{view.verification.sentence}</p>}
      <p class="facts">
        <span>{stageText(view)}</span>
        <Clock view={view} />
        <span>
          owner {view.owners.primary}, backup {view.owners.backup}
        </span>
        {view.ticket === null ? null : <span>{view.ticket}</span>}
        <span>revision {view.revision}</span>
        <span class="soft">
          read <Age atMs={readAtMs} />
        </span>
      </p>
      <dl class="exposure">
        {exposureFacts(view).map(([word, n]) => (
          <div key={word} class={n > 0 && (word === 'reverted' || word === 'dark') ? 'warn' : ''}>
            <dt>{word}</dt>
            <dd>{n.toLocaleString('en')}</dd>
          </div>
        ))}
      </dl>
      <Why view={view} />
    </header>
  );
}

function Clock({ view }: Pick<Parts, 'view'>) {
  const nowMs = useServerNow();
  const at = view.nextDecisionAtMs;
  return (
    <span class="clock" role="timer">
      {clockText(view, nowMs)}
      {at === null || view.endedAtMs !== null ? '' : ` (${timeText(at)})`}
    </span>
  );
}

function Why({ view }: Pick<Parts, 'view'>) {
  const why = useResource(endpoint('GET /v1/rollouts/:id/why', { id: view.id }), [
    { resource: 'rollout', id: view.id },
  ]);
  if (why.value === null) return null;
  return (
    <details class="why">
      <summary>Why, and what you can do</summary>
      <ul>
        {why.value.sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {why.value.whatYouCanDo.length === 0 ? null : <p>What you can do:</p>}
      <ul>
        {why.value.whatYouCanDo.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <Cli command={`belay rollout why ${view.id}`} />
    </details>
  );
}
