// The marks of a large factory, drawn: thousands of elements would take longer to lay out than a frame has. Only what has changed
// is drawn again. The keyboard walks over it, and what it stands on is told in words.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { LiveCondition, LiveDevice } from '../../../../shared/protocol/api-live.ts';
import { devices, pulse } from '../../live/live.ts';
import { CONDITIONS } from './conditions.ts';
import { stepOf } from './marks.tsx';
import { tellDevice } from './words.ts';

const CELL_PX = 14;
const MARK_PX = 9;

type Drawn = {
  readonly context: CanvasRenderingContext2D;
  readonly columns: number;
  readonly looks: (string | undefined)[];
  /** By custom property; asking the browser for one lays the page out, so it is asked once. */
  readonly colours: Map<string, string>;
};

export function CanvasMarks({ ids, label }: { readonly ids: readonly string[]; readonly label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const { route } = useLocation();
  useEffect(() => {
    const fit = (): void => {
      drawn.current = canvas.current && prepare(canvas.current, ids.length);
      if (drawn.current) draw(drawn.current, ids);
    };
    const stop = pulse.subscribe(() => drawn.current && draw(drawn.current, ids));
    const watched = new ResizeObserver(fit);
    const frame = canvas.current?.closest('.canvas-marks');
    if (frame) watched.observe(frame);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const theme = new MutationObserver(fit);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
    dark.addEventListener('change', fit);
    return () => {
      stop();
      watched.disconnect();
      theme.disconnect();
      dark.removeEventListener('change', fit);
    };
  }, [ids]);
  const open = (place: number | null): void => {
    if (place !== null && ids[place] !== undefined) route(`/devices/${ids[place]}`);
  };
  const onKey = (event: KeyboardEvent): void => {
    const columns = drawn.current?.columns ?? 1;
    const to = stepOf(event.key, at ?? -1, { columns, count: ids.length });
    if (to < 0) return;
    event.preventDefault();
    setAt(to);
  };
  const placeOf = (event: MouseEvent): number | null => {
    const columns = drawn.current?.columns ?? 1;
    const place =
      Math.floor(event.offsetY / CELL_PX) * columns + Math.min(columns - 1, Math.floor(event.offsetX / CELL_PX));
    return place < ids.length ? place : null;
  };
  const stands = at === null ? undefined : devices.get(ids[at] ?? '')?.peek();
  return (
    <div class="canvas-marks">
      <button
        type="button"
        aria-label={`${label}. Arrow keys choose a device, Enter opens it.`}
        onKeyDown={onKey}
        onMouseMove={(event) => setAt(placeOf(event))}
        onClick={(event) => open(event.detail === 0 ? at : placeOf(event))}
      >
        <canvas ref={canvas} />
      </button>
      {at === null ? null : <Ring at={at} columns={drawn.current?.columns ?? 1} />}
      <p class="stands soft" aria-live="polite">
        {stands === undefined ? 'Point at a mark, or use the arrow keys.' : tellDevice(stands)}
      </p>
    </div>
  );
}

function Ring({ at, columns }: { readonly at: number; readonly columns: number }) {
  const place = { left: `${(at % columns) * CELL_PX}px`, top: `${Math.floor(at / columns) * CELL_PX}px` };
  return <span class="ring" style={place} aria-hidden="true" />;
}

function prepare(canvas: HTMLCanvasElement, count: number): Drawn | null {
  const width = canvas.closest('.canvas-marks')?.clientWidth ?? 0;
  const columns = Math.max(1, Math.floor(width / CELL_PX));
  const scale = devicePixelRatio;
  canvas.width = columns * CELL_PX * scale;
  canvas.height = Math.ceil(count / columns) * CELL_PX * scale;
  canvas.style.width = `${columns * CELL_PX}px`;
  canvas.style.height = `${Math.ceil(count / columns) * CELL_PX}px`;
  const context = canvas.getContext('2d');
  context?.scale(scale, scale);
  return context && { context, columns, looks: [], colours: new Map() };
}

/** What looks as before is left as it is. */
function draw({ context, columns, looks, colours }: Drawn, ids: readonly string[]): void {
  const colourOf = (name: string): string => {
    const known = colours.get(name) ?? resolved(context.canvas, name);
    colours.set(name, known);
    return known;
  };
  for (const [at, id] of ids.entries()) {
    const device = devices.get(id)?.peek();
    const look = device && lookOf(device);
    if (look === undefined || looks[at] === look) continue;
    looks[at] = look;
    const [x, y] = [(at % columns) * CELL_PX, Math.floor(at / columns) * CELL_PX];
    context.clearRect(x, y, CELL_PX, CELL_PX);
    context.fillStyle = colourOf(CONDITIONS[device?.condition ?? 'unknown'].colour);
    fill(context, device?.condition ?? 'unknown', { x, y });
    if (isOnTrial(device)) {
      context.fillStyle = colourOf('--accent');
      context.fillRect(x + 1, y + CELL_PX - 2, CELL_PX - 2, 1.5);
    }
  }
}

function lookOf(device: LiveDevice): string {
  return isOnTrial(device) ? `${device.condition}+` : device.condition;
}

function isOnTrial(device: LiveDevice | undefined): boolean {
  return device?.role === 'candidate' || device?.role === 'shadow';
}

function fill(
  context: CanvasRenderingContext2D,
  condition: LiveCondition,
  { x, y }: { readonly x: number; readonly y: number },
): void {
  const inset = (CELL_PX - MARK_PX) / 2;
  context.beginPath();
  for (const [cornerX, cornerY] of CONDITIONS[condition].corners)
    context.lineTo(x + inset + cornerX * MARK_PX, y + inset + cornerY * MARK_PX);
  context.fill();
}

/** A canvas knows no `light-dark()`: the browser is asked what it comes to. */
function resolved(canvas: HTMLCanvasElement, name: string): string {
  canvas.style.color = `var(${name})`;
  const colour = getComputedStyle(canvas).color;
  canvas.style.color = '';
  return colour;
}
