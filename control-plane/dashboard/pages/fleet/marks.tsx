// The devices of a factory as marks, each a link: one tab stop, arrow keys within. Each redraws itself alone.
import type { Signal } from '@preact/signals';
import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { devices } from '../../live/live.ts';
import { CONDITIONS, shapeOf } from './conditions.ts';
import { tellDevice } from './words.ts';

export function Marks({ ids, label }: { readonly ids: readonly string[]; readonly label: string }) {
  return (
    <ul class="marks" aria-label={label} onKeyDown={move} onFocusIn={rove}>
      {ids.map((id, at) => {
        const device = devices.get(id);
        return device === undefined ? null : <Mark key={id} id={id} device={device} isFirst={at === 0} />;
      })}
    </ul>
  );
}

type MarkProps = { readonly id: string; readonly device: Signal<LiveDevice>; readonly isFirst: boolean };

function Mark({ id, device, isFirst }: MarkProps) {
  const told = tellDevice(device.value);
  const { condition, role } = device.value;
  return (
    <li>
      <a href={`/devices/${id}`} class="mark" tabIndex={isFirst ? 0 : -1} title={told} aria-label={told}>
        <span
          class={role === 'candidate' || role === 'shadow' ? 'shape on-trial' : 'shape'}
          style={{ clipPath: shapeOf(condition), background: `var(${CONDITIONS[condition].colour})` }}
        />
      </a>
    </li>
  );
}

/** The mark that was focused last is the one that Tab comes back to. */
function rove(event: FocusEvent): void {
  const list = event.currentTarget;
  if (!(list instanceof HTMLElement) || !(event.target instanceof HTMLElement)) return;
  for (const other of list.querySelectorAll<HTMLElement>('a[tabindex="0"]')) other.tabIndex = -1;
  event.target.tabIndex = 0;
}

function move(event: KeyboardEvent): void {
  const list = event.currentTarget;
  if (!(list instanceof HTMLElement)) return;
  const marks = [...list.querySelectorAll<HTMLElement>('a')];
  const at = marks.indexOf(document.activeElement as HTMLElement);
  const next = at < 0 ? undefined : marks[placeAfter(event.key, at, marks)];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}

function placeAfter(key: string, at: number, marks: readonly HTMLElement[]): number {
  const top = marks[0]?.offsetTop;
  const wrapped = marks.findIndex(({ offsetTop }) => offsetTop !== top);
  return stepOf(key, at, { columns: wrapped < 0 ? marks.length : wrapped, count: marks.length });
}

/** Where an arrow key leads in a grid; -1: the key means nothing here. */
export function stepOf(
  key: string,
  at: number,
  { columns, count }: { readonly columns: number; readonly count: number },
): number {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at - columns,
    ArrowDown: at + columns,
    Home: 0,
    End: count - 1,
  };
  const to = steps[key];
  return to === undefined ? -1 : Math.min(count - 1, Math.max(0, to));
}
