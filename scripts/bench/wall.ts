// The longest frame of the fleet wall while every one of 10,000 devices keeps changing.
import type { Page } from 'playwright-core';
import { openDashboardRig } from './dashboard-rig.ts';
import type { Figure } from './figure.ts';
import { describeLoad, noteOf } from './machine.ts';
import { withWorkspace } from './workspace.ts';

const DEVICES = 10_000;
/** Each device every ten seconds: six times as often as by default. */
const CHANGES_PER_SECOND = 1000;
const MEASURED_MS = 15_000;
const FRAME_MAX_MS = 50;

export const wall: Figure = {
  id: 'wall',
  rows: ['10000'],
  measure: async (progress) =>
    withWorkspace(async (workspace) => {
      const { url, fleet, chromium } = await openDashboardRig(workspace, DEVICES);
      const page = await chromium.context.newPage();
      await page.goto(`${url}/`);
      await page.locator('.canvas-marks canvas').nth(3).waitFor();
      const idle = await frames(page);
      fleet.play(CHANGES_PER_SECOND);
      progress(`${DEVICES} devices, ${CHANGES_PER_SECOND} changes a second, ${MEASURED_MS / 1000} s`);
      const busy = await frames(page);
      const how = `${DEVICES} devices, ${CHANGES_PER_SECOND} changes a second; p99 of frames ${busy.p99Ms.toFixed(0)} ms, ${busy.count} frames`;
      const still = `with nothing changing the longest was ${idle.longestMs.toFixed(0)} ms`;
      return [
        {
          id: 'wall.10000',
          ours: busy.longestMs,
          limit: FRAME_MAX_MS,
          ratio: busy.longestMs / FRAME_MAX_MS,
          unit: 'ms',
          goal: `≤ ${FRAME_MAX_MS} ms`,
          note: noteOf(how, still, describeLoad()),
        },
      ];
    }),
};

type Frames = { readonly longestMs: number; readonly p99Ms: number; readonly count: number };

/** Between one frame and the next, as a page sees it. */
const COUNT_FRAMES = `new Promise((resolve) => {
  const gaps = [];
  const startedAtMs = performance.now();
  let last = startedAtMs;
  const next = (nowMs) => {
    gaps.push(nowMs - last);
    last = nowMs;
    if (nowMs - startedAtMs < ${MEASURED_MS}) requestAnimationFrame(next);
    else resolve(gaps.slice(1).sort((a, b) => a - b));
  };
  requestAnimationFrame(next);
})`;

async function frames(page: Page): Promise<Frames> {
  const gaps = (await page.evaluate(COUNT_FRAMES)) as readonly number[];
  return { longestMs: gaps.at(-1) ?? 0, p99Ms: gaps[Math.floor(gaps.length * 0.99)] ?? 0, count: gaps.length };
}
