// The only user of uPlot: a small line chart with a band, limits, shaded spans and marks, whose data changes without its being built
// anew. Colours are those of the page, read again when it turns dark or light.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { bandOf, type ChartColumns, type CourseChart, type LimitRun, type Span } from './course-data.ts';

export type Mark = { readonly atMs: number; readonly text: string; readonly kind: 'stage' | 'decision' };

export type PlotData = CourseChart & { readonly marks: readonly Mark[] };

export type Plot = {
  set(data: PlotData): void;
  close(): void;
};

export type PlotOptions = {
  /** Charts of the same name show the same moment under the pointer. */
  readonly sync: string;
  readonly heightPx: number;
  readonly show: (value: number) => string;
  /** The moment under the pointer; null: none. */
  readonly onMoment?: (index: number | null) => void;
};

type Colours = Readonly<Record<(typeof NAMES)[number], string>>;
const NAMES = ['ink', 'ink-soft', 'line', 'accent', 'bad', 'warn'] as const;

export function openPlot(place: HTMLElement, first: PlotData, options: PlotOptions): Plot {
  let data = first;
  let colours = readColours(place);
  const times = openTimes();
  const axis = {
    stroke: () => colours['ink-soft'],
    ticks: { show: false },
    grid: { stroke: () => colours.line, width: 0.5 },
    font: FONT,
  };
  const line = (colour: keyof Colours, more: Partial<uPlot.Series> = {}): uPlot.Series => {
    return { stroke: () => colours[colour], width: 1, points: { show: false }, ...more };
  };
  const plot = new uPlot(
    {
      width: place.clientWidth || 280,
      height: options.heightPx,
      ms: 1,
      legend: { show: false },
      padding: [6, 8, 0, 0],
      cursor: { sync: { key: options.sync }, drag: { x: false, y: false }, points: { size: 6 }, y: false },
      scales: { x: { time: true }, y: { range: () => [data.range[0], data.range[1]] } },
      axes: [
        { ...axis, size: 22, space: 70, values: (_, values) => times(values) },
        { ...axis, size: 52, space: 24, values: (_, values) => values.map(options.show) },
      ],
      series: [{}, line('accent', { width: 2, points: { show: isSparse, size: 5 } })],
      hooks: {
        drawClear: [(u) => shadeAll(u, data.breaches, faded(colours.bad, 0.14))],
        drawAxes: [(u) => drawBand(u, data.columns, faded(colours.accent, 0.2))],
        draw: [(u) => drawLimits(u, data.limits, colours.bad), (u) => drawMarks(u, data.marks, colours)],
        setCursor: [(u) => options.onMoment?.(u.cursor.idx ?? null)],
      },
    },
    lineOf(data),
    place,
  );
  const stopColours = onThemeChange(() => {
    colours = readColours(place);
    plot.redraw(false);
  });
  const sizes = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: options.heightPx }));
  sizes.observe(place);
  return {
    set: (next) => {
      data = next;
      plot.setData(lineOf(next));
    },
    close: () => {
      stopColours();
      sizes.disconnect();
      plot.destroy();
    },
  };
}

const FONT = '11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

/** Days where they are more than two days apart, seconds where minutes would repeat, else the time of the day. Formats are dear to make, so each chart keeps its own. */
function openTimes(): (values: readonly number[]) => string[] {
  const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
  const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
  const second = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hour12: false });
  return (values) => {
    const spanMs = (values.at(-1) ?? 0) - (values[0] ?? 0);
    const format = spanMs > 2 * 86_400_000 ? day : spanMs < 6 * 60_000 ? second : time;
    return values.map((value) => format.format(value));
  };
}

/** A line needs two points: with few of them each is drawn. */
function isSparse(plot: uPlot): boolean {
  return ((plot.data as unknown as ChartColumns)[0]?.length ?? 0) < 8;
}

function shadeAll(u: uPlot, spans: readonly Span[], fill: string): void {
  for (const span of spans) shade(u, span, fill);
}

function drawMarks(u: uPlot, marks: readonly Mark[], colours: Colours): void {
  for (const mark of marks) drawMark(u, mark, colours);
}

/** Time and estimate are uPlot's; the rest is drawn here, since a band that is clipped costs more than all lines together. */
function lineOf({ columns: [atMs, estimate] }: PlotData): uPlot.AlignedData {
  return [atMs, estimate];
}

function drawBand(u: uPlot, columns: ChartColumns, fill: string): void {
  const { ctx, bbox } = u;
  const [xOf, yOf] = [straight(u, 'x'), straight(u, 'y')];
  const y = (value: number) => Math.min(bbox.top + bbox.height, Math.max(bbox.top, yOf(value)));
  ctx.save();
  ctx.fillStyle = fill;
  for (const run of bandOf(columns, (atMs) => Math.round(xOf(atMs)))) {
    ctx.beginPath();
    for (const { x, high } of run) ctx.lineTo(x, y(high));
    for (const { x, low } of run.toReversed()) ctx.lineTo(x, y(low));
    ctx.fill();
  }
  ctx.restore();
}

/** As `valToPos` of a scale that is linear, for thousands of values: asks uPlot for both ends alone. */
function straight({ scales, valToPos }: uPlot, name: 'x' | 'y'): (value: number) => number {
  const { min = 0, max = 1 } = scales[name] ?? {};
  const from = valToPos(min, name, true);
  const perValue = (valToPos(max, name, true) - from) / (max - min || 1);
  return (value) => from + (value - min) * perValue;
}

/** A series of as many points as there are moments would be dashed stroke by stroke. */
function drawLimits({ ctx, valToPos }: uPlot, limits: readonly LimitRun[], colour: string): void {
  const ratio = globalThis.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * ratio;
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  ctx.beginPath();
  for (const { fromMs, toMs, value } of limits) {
    const y = valToPos(value, 'y', true);
    ctx.moveTo(valToPos(fromMs, 'x', true), y);
    ctx.lineTo(valToPos(toMs, 'x', true), y);
  }
  ctx.stroke();
  ctx.restore();
}

function shade({ ctx, bbox, valToPos }: uPlot, { fromMs, toMs }: Span, fill: string): void {
  const [from, to] = [valToPos(fromMs, 'x', true), valToPos(toMs, 'x', true)];
  ctx.save();
  ctx.fillStyle = fill;
  ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
  ctx.restore();
}

function drawMark(u: uPlot, { atMs, text, kind }: Mark, colours: Colours): void {
  const { ctx, bbox } = u;
  const x = Math.round(u.valToPos(atMs, 'x', true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  const ratio = globalThis.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = kind === 'stage' ? colours['ink-soft'] : colours.warn;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.lineWidth = ratio;
  ctx.setLineDash(kind === 'stage' ? [] : [2 * ratio, 3 * ratio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = 'top';
  const isNearEnd = x > bbox.left + bbox.width * 0.75;
  ctx.textAlign = isNearEnd ? 'right' : 'left';
  ctx.fillText(text, x + (isNearEnd ? -3 : 3) * ratio, bbox.top + (kind === 'stage' ? 0 : 12) * ratio, bbox.width / 3);
  ctx.restore();
}

/** A canvas knows no `light-dark()`: an element is asked what it makes of it. */
function readColours(place: HTMLElement): Colours {
  const probe = document.createElement('span');
  probe.hidden = true;
  place.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(NAMES.map((name) => [name, read(name)])) as Colours;
  probe.remove();
  return colours;
}

function faded(colour: string, share: number): string {
  return colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${share})`);
}

function onThemeChange(listener: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', listener);
  const root = new MutationObserver(listener);
  root.observe(document.documentElement, { attributes: true });
  return () => {
    dark.removeEventListener('change', listener);
    root.disconnect();
  };
}
