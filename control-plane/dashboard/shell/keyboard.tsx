// The keyboard paths of every page, and the dialogue that lists them.
import { useEffect, useRef } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { PAGES } from '../pages.ts';
import { type Going, LEADING_MS, pressed, type Shortcut } from './shortcuts.ts';

const GOING: readonly Going[] = PAGES.flatMap(({ path, menu }) => (menu ? [{ key: menu.key, path }] : []));

export function Keyboard() {
  const { route } = useLocation();
  const help = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let leadingAtMs = Number.NEGATIVE_INFINITY;
    const act = (shortcut: Shortcut): void => {
      if (shortcut.kind === 'go') route(shortcut.path);
      if (shortcut.kind === 'kill') location.assign('/kill');
      if (shortcut.kind === 'help') help.current?.showModal();
      if (shortcut.kind === 'filter') document.querySelector<HTMLElement>('[data-filter]')?.focus();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const isLeading = performance.now() - leadingAtMs < LEADING_MS;
      const { shortcut, isLeading: leads } = pressed(event.key, isLeading, GOING);
      leadingAtMs = leads ? performance.now() : Number.NEGATIVE_INFINITY;
      if (shortcut === null) return;
      event.preventDefault();
      act(shortcut);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  return (
    <dialog ref={help} id="help" aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {PAGES.flatMap(({ menu, title }) => (menu ? [<Key key={menu.key} keys={`g ${menu.key}`} does={title} />] : []))}
        <Key keys="K" does="Kill switch" />
        <Key keys="/" does="Filter what is on the page" />
        <Key keys="?" does="These keys" />
        <Key keys="Esc" does="Close a dialogue" />
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

function Key({ keys, does }: { readonly keys: string; readonly does: string }) {
  return (
    <div>
      <dt>
        {keys.split(' ').map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{does}</dd>
    </div>
  );
}

/** Whoever types means letters; an open dialogue has its own keys. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) ||
    target.closest('dialog') !== null
  );
}
