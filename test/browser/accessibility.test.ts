// axe-core on every page with something on it, in both themes: no violation of WCAG 2.2 A and AA, nor of its best practices.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPeopleStage, type PeopleStage } from './people.ts';
import { openTour, type Tour } from './tour.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Twenty pages, twice, also beside other work. */
const TOUR_MS = 180_000;
const THEMES = ['light', 'dark'] as const;

let stage: PeopleStage;
let tour: Tour;
let axe: string;

beforeAll(async () => {
  axe = await readFile(AXE, 'utf8');
  stage = await openPeopleStage();
  tour = await openTour(stage);
});
afterAll(() => stage.close());

type Violation = {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { html: string; any: { message: string }[] }[];
};

/** One line for each part of the page that breaks a rule. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as readonly Violation[];
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, any }) => `${id}: ${help}: ${html.slice(0, 160)} ${any[0]?.message ?? ''}`),
  );
}

test(
  'no page breaks a rule, in the light and in the dark',
  async () => {
    const broken: Record<string, readonly string[]> = {};
    await tour.visit({ colorScheme: 'light', mayRunScripts: true }, async (page, { name }) => {
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        const found = await violations(page);
        if (found.length > 0) broken[`${name}, ${colorScheme}`] = found;
      }
    });
    expect(broken).toEqual({});
  },
  TOUR_MS,
);

test('dialogues, help, a phone and a picture break none either', async () => {
  const broken: Record<string, readonly string[]> = {};
  const size = { width: 390, height: 844 };
  await tour.visit({ colorScheme: 'light', size, only: ['rollout', 'rollouts'] }, async (page, { name }) => {
    const opener = name === 'rollout' ? 'Hold' : 'Plan a rollout';
    await page.getByRole('button', { name: opener, exact: true }).click();
    await page.getByRole('dialog').first().waitFor();
    const found = await violations(page);
    if (found.length > 0) broken[name] = found;
  });
  await stage.setPolicy('plant-a', 'on');
  await tour.visit({ colorScheme: 'dark', size, only: ['device'] }, async (page, { name }) => {
    await page.getByRole('button', { name: 'Ask for its last frame' }).click();
    await page.locator('svg.picture').waitFor();
    const found = await violations(page);
    if (found.length > 0) broken[`${name}, with a picture`] = found;
  });
  expect(broken).toEqual({});
});
