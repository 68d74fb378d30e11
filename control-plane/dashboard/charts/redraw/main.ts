// Entry of a page that only the benchmark builds: twelve charts as the page of a rollout has them, redrawn with new data, and bare
// canvases that draw lines through as many points. Offers both as functions; measures nothing by itself.
import '../../styles/base.css';
import type { ChartColumns } from '../course-data.ts';
import { openPlot, type PlotData } from '../plot.ts';

const CHARTS = 12;
const POINTS = 1440;
const WIDTH = 300;
const HEIGHT = 132;
const FIRST_MS = 1_790_000_000_000;

const place = document.getElementById('charts');
const plots = Array.from({ length: place === null ? 0 : CHARTS }, (_, chart) => {
  const box = document.createElement('div');
  place?.append(box);
  return openPlot(box, dataOf(chart, 0), {
    sync: 'redraw',
    heightPx: HEIGHT,
    show: (value) => `${value.toFixed(0)} %`,
  });
});
const canvases = Array.from({ length: CHARTS }, () => {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: WIDTH, height: HEIGHT });
  document.body.append(canvas);
  return canvas;
});

let turn = 0;

/** Both in milliseconds, from the new data to the last pixel. */
Object.assign(globalThis, {
  redrawCharts: async () => {
    turn += 1;
    const all = plots.map((_, chart) => dataOf(chart, turn));
    const startedMs = performance.now();
    for (const [chart, plot] of plots.entries()) plot.set(all[chart] ?? dataOf(chart, turn));
    // uPlot draws in a microtask of its own.
    await Promise.resolve();
    finish([...document.querySelectorAll<HTMLCanvasElement>('#charts canvas')]);
    return performance.now() - startedMs;
  },
  redrawBare: async () => {
    turn += 1;
    const all = canvases.map((_, chart) => dataOf(chart, turn));
    const startedMs = performance.now();
    for (const [chart, canvas] of canvases.entries()) drawBare(canvas, all[chart] ?? dataOf(chart, turn));
    finish(canvases);
    return performance.now() - startedMs;
  },
});

/** A day by the minute: an estimate that wanders, its range, its limit, marks and a breach. */
function dataOf(chart: number, shift: number): PlotData {
  const at = Array.from({ length: POINTS }, (_, minute) => minute);
  const estimate = at.map(
    (minute) => 4 + 3 * Math.sin((minute + shift) / 90 + chart) + Math.sin((minute + shift) * 1.7),
  );
  const columns: ChartColumns = [
    at.map((minute) => FIRST_MS + minute * 60_000),
    estimate,
    estimate.map((value) => value - 2),
    estimate.map((value) => value + 2),
  ];
  return {
    columns,
    range: [-4, 14],
    limits: [{ fromMs: FIRST_MS, toMs: FIRST_MS + (POINTS - 1) * 60_000, value: 10 }],
    breaches: [{ fromMs: FIRST_MS + 6_000_000, toMs: FIRST_MS + 9_000_000 }],
    marks: [{ atMs: FIRST_MS + 3_600_000, kind: 'stage', text: 'quarter' }],
  };
}

function drawBare(canvas: HTMLCanvasElement, { columns }: PlotData): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, WIDTH, HEIGHT);
  for (const values of [columns[1], columns[2]]) {
    context.beginPath();
    for (const [at, value] of values.entries()) context.lineTo((at / POINTS) * WIDTH, HEIGHT - ((value ?? 0) + 4) * 7);
    context.stroke();
  }
}

/** What was asked of a canvas is done by the time that one of its pixels can be read. */
function finish(drawn: readonly HTMLCanvasElement[]): void {
  for (const canvas of drawn) canvas.getContext('2d')?.getImageData(0, 0, 1, 1);
}
