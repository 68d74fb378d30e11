// How long twelve charts of a rollout take to be redrawn with a day of new points in a real Chromium, against bare canvases in the
// same page that draw two lines through as many points.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { leanUplot } from '../../control-plane/dashboard/lean-uplot.ts';
import { openChromium } from '../../test/browser/chromium.ts';
import { alternate, type Figure } from './figure.ts';
import { describeLoad, noteOf, openTakenShare } from './machine.ts';

const ROUNDS = 15;
const WARM_UPS = 5;
const GOAL_MS = 25;
const ROOT = path.join(import.meta.dirname, '../../control-plane/dashboard/charts/redraw');
/** Nobody answers there: every request is answered from the built folder. */
const ADDRESS = 'http://redraw.invalid';

export const pageRedraw: Figure = {
  id: 'page.redraw',
  measure: async (progress) => {
    progress(`12 charts × 1440 points in Chromium, ${ROUNDS} rounds by turns with bare canvases`);
    const folder = await mkdtemp(path.join(tmpdir(), 'belay-redraw-'));
    try {
      await buildPage(folder);
      const { ours, limit, disturbed } = await measureIn(folder);
      return [
        {
          id: 'page.redraw',
          ours,
          limit,
          ratio: ours / limit,
          unit: 'ms/12 charts',
          goal: `≤ ${GOAL_MS} ms`,
          note: noteOf(
            'estimate, range and limit of each, drawn to the last pixel',
            disturbed > 0 ? `${disturbed} rounds disturbed` : '',
            describeLoad(),
          ),
        },
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function buildPage(outDir: string): Promise<void> {
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    plugins: [leanUplot],
    build: { outDir, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false } },
  });
}

async function measureIn(folder: string) {
  const { context, close } = await openChromium();
  try {
    const page = await context.newPage();
    await page.route(`${ADDRESS}/**`, async (route) => {
      const name = new URL(route.request().url()).pathname;
      const file = path.join(folder, name === '/' ? 'index.html' : name);
      await route.fulfill({ body: await readFile(file), contentType: TYPES[path.extname(file)] ?? 'text/plain' });
    });
    await page.goto(`${ADDRESS}/`);
    await page.waitForFunction('typeof redrawCharts === "function"');
    const sides = { ours: () => call(page, 'redrawCharts'), limit: () => call(page, 'redrawBare') };
    for (let at = 0; at < WARM_UPS; at += 1) {
      await sides.ours();
      await sides.limit();
    }
    return await alternate(ROUNDS, sides, openTakenShare());
  } finally {
    await close();
  }
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

function call(page: Page, name: 'redrawCharts' | 'redrawBare'): Promise<number> {
  return page.evaluate(`${name}()`) as Promise<number>;
}
