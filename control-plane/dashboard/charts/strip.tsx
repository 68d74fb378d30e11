// One quantity of a device over time: its line, its limit, the moments when another release began to answer, and the same in words.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {
  columnsOf,
  describeStrip,
  figuresOf,
  figureText,
  type StripFigures,
  type StripLimit,
  type StripMark,
  type StripPoint,
  scaleOf,
} from './strip-columns.ts';

export type StripProps = {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly StripPoint[];
  readonly limit: StripLimit | null;
  readonly marks: readonly StripMark[];
  readonly range: readonly [fromMs: number, toMs: number];
};

const HEIGHT_PX = 116;
/** All strips of a page move one cursor. */
const CURSOR = 'strips';

export function Strip(props: StripProps) {
  const place = useRef<HTMLDivElement>(null);
  const { title, unit, points, limit, marks, range } = props;
  const figures = figuresOf(points, limit);
  useEffect(() => {
    const element = place.current;
    if (element === null || figures.known === 0) return;
    const chart = new uPlot(optionsOf(element, props, figures), columnsOf(points), element);
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    observer.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = (): void => chart.redraw(false);
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      observer.disconnect();
      chart.destroy();
    };
  }, [points, limit?.value, marks, range[0], range[1]]);
  return (
    <figure class="strip">
      <figcaption>
        <b>{title}</b>
        <span>
          {figures.last === null ? 'not reported' : `${figureText(figures.last)} ${unit}`}
          {limit === null ? '' : ` · limit ${limit.label}`}
        </span>
        {figures.beyond > 0 ? (
          <strong class="beyond">
            ▲ beyond the limit at {figures.beyond} of {figures.known} points
          </strong>
        ) : null}
      </figcaption>
      <p class="hidden">{describeStrip({ title, unit, limit }, figures)}</p>
      {figures.known === 0 ? (
        <p class="nothing">Nothing was reported in this time.</p>
      ) : (
        <div ref={place} aria-hidden="true" />
      )}
    </figure>
  );
}

function optionsOf(element: HTMLElement, props: StripProps, figures: StripFigures): uPlot.Options {
  const ink = (name: string): string => colourOf(element, name);
  const axis = {
    stroke: () => ink('--ink-soft'),
    grid: { stroke: () => ink('--line'), width: 1 },
    ticks: { show: false },
  };
  const [fromMs, toMs] = props.range;
  return {
    width: Math.max(100, element.clientWidth),
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { sync: { key: CURSOR }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { min: fromMs / 1000, max: toMs / 1000 }, y: { range: () => scaleOf(figures, props.limit) } },
    axes: [
      { ...axis, size: 26, font: FONT, values: (_, times) => times.map((time) => timeLabel(time, toMs - fromMs)) },
      { ...axis, size: 46, font: FONT, space: 26 },
    ],
    series: [
      {},
      {
        stroke: () => ink('--accent'),
        width: 1.5,
        points: { show: figures.known < 3 },
        value: (_, value) => `${value ?? '–'}`,
      },
    ],
    hooks: {
      draw: [
        (chart) => {
          if (props.limit !== null) drawLimit(chart, props.limit.value, ink('--bad'));
          drawMarks(chart, props.marks, ink('--ink-soft'));
        },
      ],
    },
  };
}

const FONT = '11px system-ui, "DejaVu Sans", sans-serif';

function drawLimit(chart: uPlot, value: number, colour: string): void {
  const y = chart.valToPos(value, 'y', true);
  const { left, top, width, height } = chart.bbox;
  if (y < top || y > top + height) return;
  drawLine(chart, { from: [left, y], to: [left + width, y], colour, dash: [6, 4] });
}

/** A label that would lie over the one before is left out; its line stays. */
function drawMarks(chart: uPlot, marks: readonly StripMark[], colour: string): void {
  let free = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    const x = chart.valToPos(mark.atMs / 1000, 'x', true);
    if (x < chart.bbox.left || x > chart.bbox.left + chart.bbox.width) continue;
    drawMark(chart, { x, label: x < free ? '' : mark.label, colour });
    if (x >= free) free = x + LABEL_PX * devicePixelRatio;
  }
}

const LABEL_PX = 110;

function drawMark(
  chart: uPlot,
  { x, label, colour }: { readonly x: number; readonly label: string; readonly colour: string },
): void {
  const { left, top, width, height } = chart.bbox;
  drawLine(chart, { from: [x, top], to: [x, top + height], colour, dash: [2, 3] });
  chart.ctx.save();
  chart.ctx.fillStyle = colour;
  chart.ctx.font = `${Math.round(10 * devicePixelRatio)}px system-ui, sans-serif`;
  const isLate = x > left + width * 0.8;
  chart.ctx.textAlign = isLate ? 'right' : 'left';
  chart.ctx.fillText(label, x + (isLate ? -4 : 4), top + 11 * devicePixelRatio);
  chart.ctx.restore();
}

type Line = {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly colour: string;
  readonly dash: number[];
};

function drawLine({ ctx }: uPlot, { from, to, colour, dash }: Line): void {
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
  ctx.restore();
}

/** Of less than this, labels a minute apart would all be the same. */
const SECONDS_BELOW_MS = 12 * 60_000;

/** Local time; days where the range is longer than one. */
function timeLabel(time: number, rangeMs: number): string {
  const date = new Date(time * 1000);
  const isDay = rangeMs > 2 * 86_400_000;
  const fine = rangeMs < SECONDS_BELOW_MS ? ({ second: '2-digit' } as const) : {};
  return isDay
    ? date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    : date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false, ...fine });
}

/** A canvas does not know `light-dark()`: the browser is asked what the colour is now. */
function colourOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const colour = getComputedStyle(element).color;
  element.style.color = '';
  return colour;
}
