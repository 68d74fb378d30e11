// A button that acts only after it was held: with the pointer, or with Enter or Space. Letting go earlier does nothing.
import { useEffect, useRef, useState } from 'preact/hooks';

const HOLD_MS = 1000;

export function HoldButton({
  word,
  disabledBecause,
  onHeld,
}: {
  readonly word: string;
  readonly disabledBecause: string | null;
  readonly onHeld: () => void;
}) {
  const [isHeld, setIsHeld] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const stop = (): void => {
    clearTimeout(timer.current);
    timer.current = undefined;
    setIsHeld(false);
  };
  const start = (): void => {
    if (disabledBecause !== null || timer.current !== undefined) return;
    setIsHeld(true);
    timer.current = setTimeout(() => {
      stop();
      onHeld();
    }, HOLD_MS);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const byKey = (event: KeyboardEvent, act: () => void): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (!event.repeat) act();
  };
  return (
    <button
      type="button"
      class={isHeld ? 'hold bad held' : 'hold bad'}
      style={{ '--hold-ms': `${HOLD_MS}ms` }}
      aria-disabled={disabledBecause !== null}
      aria-describedby="hold-says"
      onPointerDown={(event) => event.button === 0 && start()}
      onPointerUp={stop}
      onPointerLeave={stop}
      onPointerCancel={stop}
      onContextMenu={(event) => event.preventDefault()}
      onKeyDown={(event) => byKey(event, start)}
      onKeyUp={(event) => byKey(event, stop)}
      onBlur={stop}
    >
      <span>{isHeld ? 'Keep holding …' : word}</span>
    </button>
  );
}
