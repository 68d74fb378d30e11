// Small parts that every page is made of: ages, empty states, problems, commands to copy, and actions that say why they are off.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { ApiProblem } from '../api.ts';
import { clockAheadMs, tickMs } from '../live/live.ts';
import { durationText } from './spans.ts';

export { durationText } from './spans.ts';

/** How old a thing is by the server's clock; grey once it is older than `staleMs`. */
export function Age({ atMs, staleMs = 90_000 }: { readonly atMs: number | null; readonly staleMs?: number }) {
  if (atMs === null) return <span class="age stale">never</span>;
  const ageMs = tickMs.value + clockAheadMs.value - atMs;
  return (
    <time
      class={ageMs > staleMs ? 'age stale' : 'age'}
      dateTime={new Date(atMs).toISOString()}
      title={new Date(atMs).toISOString()}
    >
      {durationText(ageMs)} ago
    </time>
  );
}

/** An empty state that teaches: what would be here, and the command that puts it there. */
export function Empty({
  title,
  command,
  children,
}: {
  readonly title: string;
  readonly command?: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      {children}
      {command === undefined ? null : <Cli command={command} />}
    </section>
  );
}

/** What went wrong, what it rests on, and what to do next. */
export function Trouble({ problem, retry }: { readonly problem: ApiProblem; readonly retry?: () => void }) {
  return (
    <section class="trouble" role="alert">
      <strong>{problem.problem.title ?? 'It did not work'}</strong>
      <p>{problem.message}</p>
      {(problem.problem.errors ?? []).map(({ path, message }) => (
        <p key={`${path} ${message}`}>
          {path}: {message}
        </p>
      ))}
      {problem.problem.fix === undefined ? null : <p>Next: {problem.problem.fix}</p>}
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </section>
  );
}

/** A command line to copy. */
export function Cli({ command }: { readonly command: string }) {
  const [copied, setCopied] = useState(false);
  const code = useRef<HTMLElement>(null);
  const copy = (): void => {
    copyText(command, code.current).then(setCopied);
    setTimeout(() => setCopied(false), 3000);
  };
  return (
    <span class="cli">
      <code ref={code}>{command}</code>
      <button type="button" onClick={copy} aria-label={`Copy the command ${command}`}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </span>
  );
}

/** Without HTTPS a browser hands out no clipboard: then the text is selected, and copied the old way where that still works. */
async function copyText(text: string, shown: HTMLElement | null): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown !== null) getSelection()?.selectAllChildren(shown);
    return document.execCommand('copy');
  }
}

export type ActionProps = {
  /** The verb on the button. */
  readonly word: string;
  /** What it will do, in a sentence: the title of the dialogue. */
  readonly says: string;
  /** The same on the command line; `REASON` stands where the reason goes. */
  readonly command: string;
  /** Why it cannot be done now; null when it can. */
  readonly disabledBecause: string | null;
  readonly tone?: 'plain' | 'good' | 'bad';
  readonly run: (reason: string) => Promise<unknown>;
  readonly children?: ComponentChildren;
};

/** A button that asks for a reason in a dialogue, does it, and shows a refusal where it was asked. */
export function Action({ word, says, command, disabledBecause, tone = 'plain', run, children }: ActionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await run(reason.trim());
      setProblem(null);
      setReason('');
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, { title: String(error) }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="action">
      <button
        type="button"
        class={tone}
        aria-disabled={disabledBecause !== null}
        title={disabledBecause ?? says}
        onClick={() => disabledBecause === null && dialog.current?.showModal()}
      >
        {word}
      </button>
      {disabledBecause === null ? null : <small class="why-not">{disabledBecause}</small>}
      <dialog ref={dialog} aria-label={says}>
        <form onSubmit={submit}>
          <h2>{says}</h2>
          {children}
          <label>
            Reason (it is kept in the audit)
            <input
              name="reason"
              autocomplete="off"
              value={reason}
              required
              maxLength={1000}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
          <Cli command={command.replace('REASON', JSON.stringify(reason.trim() || '…'))} />
          {problem === null ? null : <Trouble problem={problem} />}
          <p>
            <button type="submit" class={tone} disabled={busy || reason.trim() === ''}>
              {word}
            </button>
            <button type="button" onClick={() => dialog.current?.close()}>
              Not now
            </button>
          </p>
        </form>
      </dialog>
    </span>
  );
}
