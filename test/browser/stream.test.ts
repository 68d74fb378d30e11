// How pages follow the fleet in browsers that lack something: without shared workers one page leads the others, and without
// streams each asks. All of them show what a device does, and none is called live when it is not.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlayedDevice } from './played-device.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
let device: PlayedDevice;

beforeAll(async () => {
  stage = await openStage();
  device = await stage.play({ site: 'plant-a', device: 'cam-1' });
});
afterAll(() => stage.close());

/** What a page asked for, from its first request on. */
type Watched = { readonly page: Page; asked(path: string): number };

async function watched(lacks: readonly string[]): Promise<Watched> {
  const paths: string[] = [];
  const page = await stage.open('/', { lacks, onRequest: (path) => paths.push(path) });
  return { page, asked: (path) => paths.filter((one) => one === path).length };
}

const isLive = (page: Page) => expect.poll(() => page.locator('.clock .fresh').textContent()).toBe('live');

/** The device gets as hot as that, and each of the pages says so. */
async function seesHeat(pages: readonly Page[], temperatureC: number): Promise<void> {
  device.setPace({ sensors: { temperatureC } });
  for (const page of pages)
    await expect
      .poll(() => page.locator('a.mark[href="/devices/plant-a/cam-1"]').getAttribute('title'))
      .toContain(`${temperatureC}`);
}

const streams = (pages: readonly Watched[]): readonly number[] => pages.map(({ asked }) => asked('/v1/events'));

test('without shared workers one page holds the stream for all, and another one takes over when it is closed', async () => {
  const first = await watched(['SharedWorker']);
  await isLive(first.page);
  const others = [await watched(['SharedWorker']), await watched(['SharedWorker'])];
  for (const { page } of others) await isLive(page);
  await seesHeat([first.page, ...others.map(({ page }) => page)], 61);
  expect(streams([first, ...others])).toEqual([1, 0, 0]);

  await first.page.close();
  await seesHeat(
    others.map(({ page }) => page),
    63,
  );
  expect(streams(others).toSorted()).toEqual([0, 1]);
  for (const { page } of others) {
    await isLive(page);
    await page.close();
  }
});

test('without streams, or without anything to share one by, each page asks again and again', async () => {
  const pages = [await watched(['EventSource']), await watched(['SharedWorker', 'BroadcastChannel'])];
  for (const { page } of pages) await isLive(page);
  const before = pages.map(({ asked }) => asked('/v1/live'));
  await seesHeat(
    pages.map(({ page }) => page),
    65,
  );
  for (const [at, { page, asked }] of pages.entries()) {
    expect(asked('/v1/live')).toBeGreaterThan(before[at] ?? 0);
    await isLive(page);
    await page.close();
  }
  expect(streams(pages)).toEqual([0, 0]);
});

test('none of these pages threw an error', () => {
  expect(stage.errors).toEqual([]);
});
