// Other words for a rollout that goes on: the button, and the revisions that wait for others. What they do is loaded when it is needed.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RolloutView } from '../../../../shared/protocol/api-rollouts.ts';

type Props = { readonly view: RolloutView; readonly refresh: () => void };
type Parts = typeof import('./editor.tsx');

/** Null while it is not wanted, or on its way; a text: it did not come. */
function useParts(isWanted: boolean): Parts | string | null {
  const [parts, setParts] = useState<Parts | string | null>(null);
  useEffect(() => {
    if (isWanted)
      import('./editor.tsx').then(setParts, () =>
        setParts('This part of the page could not be loaded: load it again.'),
      );
  }, [isWanted]);
  return parts;
}

export function Edit({ view, refresh, disabledBecause }: Props & { readonly disabledBecause: string | null }) {
  const dialog = useRef<HTMLDialogElement>(null);
  // What it was opened with: a revision that comes into force meanwhile is not overwritten unseen.
  const [opened, setOpened] = useState<{ readonly revision: number; readonly file: string } | null>(null);
  const parts = useParts(opened !== null);
  const open = (): void => {
    setOpened({ revision: view.revision, file: view.fileText });
    dialog.current?.showModal();
  };
  const close = (): void => dialog.current?.close();
  return (
    <span class="action">
      <button
        type="button"
        aria-disabled={disabledBecause !== null}
        title={disabledBecause ?? 'Give it other words, as a new revision'}
        onClick={() => disabledBecause === null && open()}
      >
        Edit
      </button>
      {disabledBecause === null ? null : <small class="why-not">{disabledBecause}</small>}
      <dialog ref={dialog} class="wide" aria-label="Edit this rollout" onClose={() => setOpened(null)}>
        {typeof parts === 'string' ? <p role="alert">{parts}</p> : null}
        {opened === null || parts === null || typeof parts === 'string' ? null : (
          <parts.Editor {...opened} id={view.id} refresh={refresh} close={close} />
        )}
      </dialog>
    </span>
  );
}

/** Revisions that wait for somebody else's yes. */
export function Proposals(props: Props) {
  const isWaiting = props.view.revisions.some(({ state }) => state === 'proposed');
  const parts = useParts(isWaiting);
  if (!isWaiting || parts === null) return null;
  return typeof parts === 'string' ? <p role="alert">{parts}</p> : <parts.Proposals {...props} />;
}
