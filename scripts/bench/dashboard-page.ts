// What the dashboard weighs, and how soon its first page says something, against a page that is only to be shown.
import type { Page } from 'playwright-core';
import { DASHBOARD_FOLDER, type DashboardRig, openDashboardRig } from './dashboard-rig.ts';
import { alternate, type Figure, type Row } from './figure.ts';
import { describeLoad, noteOf, openTakenShare } from './machine.ts';
import { weighDashboard } from './page-weight.ts';
import { withWorkspace } from './workspace.ts';

const WEIGHT_MAX_KB = 60;
const DEVICES = 60;
const ROUNDS = 9;

export const dashboardPage: Figure = {
  id: 'page',
  rows: ['weight', 'paint'],
  measure: async (progress) =>
    withWorkspace(async (workspace) => {
      const rig = await openDashboardRig(workspace, DEVICES);
      progress(`opening / and a still copy of it, ${ROUNDS} times each`);
      return [weigh(), await paint(rig)];
    }),
};

function weigh(): Row {
  const { pages, allBytes, files } = weighDashboard(DASHBOARD_FOLDER);
  const [heaviest] = pages;
  if (heaviest === undefined) throw new Error('the dashboard has no pages');
  const ours = heaviest.bytes / 1000;
  return {
    id: 'page.weight',
    ours,
    limit: WEIGHT_MAX_KB,
    ratio: ours / WEIGHT_MAX_KB,
    unit: 'KB',
    goal: `≤ ${WEIGHT_MAX_KB} KB`,
    note: noteOf(
      `gzip of all JavaScript that ${heaviest.page} loads until it is complete, with the entry and the worker of the stream`,
      `next ${pages
        .slice(1, 3)
        .map(({ page, bytes }) => `${page} ${(bytes / 1000).toFixed(1)}`)
        .join(', ')}`,
      `all ${files} files together ${(allBytes / 1000).toFixed(1)} KB`,
    ),
  };
}

async function paint({ url, chromium, setStill }: DashboardRig): Promise<Row> {
  const { context } = chromium;
  await context.addInitScript(noteFirstWords);
  const first = await context.newPage();
  await firstWordsMs(first, `${url}/`);
  setStill(stillOf(await first.content()));
  await first.close();
  const time = async (address: string): Promise<number> => {
    const page = await context.newPage();
    const ms = await firstWordsMs(page, address);
    await page.close();
    return ms;
  };
  const sides = { ours: () => time(`${url}/`), limit: () => time(`${url}/still`) };
  const { ours, limit, disturbed } = await alternate(ROUNDS, sides, openTakenShare());
  return {
    id: 'page.paint',
    ours,
    limit,
    ratio: ours / limit,
    unit: 'ms',
    goal: '≤ 3 × a still page',
    note: noteOf(
      `navigation to the first sentence, with ${DEVICES} devices; limit: the same markup and styles without a script`,
      disturbed > 0 ? `${disturbed} rounds played again` : '',
      describeLoad(),
    ),
  };
}

/** Runs in the page: when the heading with the first sentence has been painted. */
const noteFirstWords = `
  const look = () => {
    if (document.querySelector('#main h1')) requestAnimationFrame(() => setTimeout(() => { window.firstWordsMs = performance.now(); }));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
`;

async function firstWordsMs(page: Page, address: string): Promise<number> {
  await page.goto(address);
  const known = await page.waitForFunction(() => (globalThis as { readonly firstWordsMs?: number }).firstWordsMs);
  return Number(await known.jsonValue());
}

function stillOf(html: string): string {
  return html.replaceAll(/<script[\s\S]*?<\/script>/g, '').replaceAll(/<link rel="modulepreload"[^>]*>/g, '');
}
