// Notes of an incident, and the plan to roll forward: read, and added to.
import { useState } from 'preact/hooks';
import { endpoint } from '../../../../shared/protocol/address.ts';
import type { Incident } from '../../../../shared/protocol/api-incidents.ts';
import { ApiProblem, ask } from '../../api.ts';
import { Cli, Trouble } from '../../shell/kit.tsx';
import { timeText } from '../parts/words.ts';

type NotesProps = { readonly incident: Incident; readonly refresh: () => void };

export function IncidentNotes({ incident, refresh }: NotesProps) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const send = (field: 'text' | 'rollForward'): void => {
    ask(endpoint('POST /v1/incidents/:id/annotate', { id: incident.id }), { [field]: text.trim() }).then(
      () => {
        setText('');
        setProblem(null);
        refresh();
      },
      (error: unknown) => setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) })),
    );
  };
  const { rollForward, notes } = incident;
  const isEmpty = text.trim() === '';
  return (
    <>
      <p>
        <b>Roll forward:</b>{' '}
        {rollForward === null
          ? 'no plan yet.'
          : `${rollForward.text} (${rollForward.actor}, ${timeText(rollForward.atMs)})`}
      </p>
      <ul class="plain-list">
        {notes.map(({ atMs, actor, text: said }) => (
          <li key={atMs + actor}>
            {said}{' '}
            <small>
              ({actor}, {timeText(atMs)})
            </small>
          </li>
        ))}
      </ul>
      <label>
        Add to it
        <textarea rows={3} maxLength={4000} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <p class="actions">
        <button type="button" disabled={isEmpty} onClick={() => send('text')}>
          Add a note
        </button>
        <button type="button" disabled={isEmpty} onClick={() => send('rollForward')}>
          Make it the plan to roll forward
        </button>
        {isEmpty ? <small>Write something first.</small> : null}
      </p>
      {problem === null ? null : <Trouble problem={problem} />}
      <Cli command={`belay incident annotate ${incident.id} --note ${JSON.stringify(text.trim() || '…')}`} />
    </>
  );
}
