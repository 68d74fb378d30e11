// The fleet page in Chromium over a real control plane: it follows devices, is loud when it cannot, and never stands in a kill's way.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlayedDevice } from './played-device.ts';
import { openStage, type Stage } from './stage.ts';

let stage: Stage;
let devices: readonly PlayedDevice[];

beforeAll(async () => {
  stage = await openStage();
  devices = await Promise.all([
    stage.play({ site: 'plant-a', device: 'cam-1', hardwareClass: 'orin-nx', line: 'line-1' }),
    stage.play({ site: 'plant-a', device: 'cam-2', hardwareClass: 'x86-n100', line: 'line-1' }),
    stage.play({ site: 'plant-b', device: 'cam-3', hardwareClass: 'orin-nx', line: 'line-2' }),
  ]);
});
afterAll(() => stage.close());

const sentence = (page: Page) => page.locator('h1').textContent();
const mark = (page: Page, device: string) => page.locator(`a.mark[href="/devices/${device}"]`);

test('a newcomer reads how the fleet stands, and sees a device that gets hot and one that goes away', async () => {
  const page = await stage.open('/');
  await expect.poll(() => sentence(page)).toBe('3 of 3 devices online; no rollout running; nothing needs you.');
  expect(await mark(page, 'plant-a/cam-1').getAttribute('title')).toContain('10.0 fps');
  expect(await page.locator('.factory').count()).toBe(2);
  devices[1]?.setPace({ sensors: { temperatureC: 91, throttled: true } });
  await expect.poll(() => mark(page, 'plant-a/cam-2').getAttribute('title')).toContain('hot, throttled');
  await devices[2]?.goOffline();
  await expect.poll(() => mark(page, 'plant-b/cam-3').getAttribute('title')).toContain('offline, not connected');
  await expect
    .poll(() => sentence(page))
    .toBe('2 of 3 devices online; no rollout running; nothing needs you, 2 things are worth a look.');
  await page.close();
});

test('what is chosen stands in the address, and the list is sorted by it', async () => {
  const page = await stage.open('/?site=plant-a&view=list&sort=-temperature');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(2);
  expect(await page.locator('tbody th').first().textContent()).toContain('plant-a/cam-2');
  await page.getByLabel('hardware').selectOption('orin-nx');
  await expect.poll(() => page.url()).toContain('hardware=orin-nx');
  await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
  await page.close();
});

test('the keyboard reaches help, pages, the filter, and walks over the marks', async () => {
  const page = await stage.open('/');
  await mark(page, 'plant-a/cam-1').waitFor();
  await page.keyboard.press('?');
  await expect.poll(() => page.locator('#help').isVisible()).toBe(true);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.locator('#help').isVisible()).toBe(false);
  await page.keyboard.press('/');
  expect(await page.evaluate('document.activeElement.hasAttribute("data-filter")')).toBe(true);
  await page.keyboard.type('cam-3');
  await expect.poll(() => page.url()).toContain('search=cam-3');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await expect.poll(() => new URL(page.url()).search).toBe('');
  await mark(page, 'plant-b/cam-3').focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => new URL(page.url()).pathname).toBe('/devices/plant-b/cam-3');
  await page.close();
});

test('a page that there is not says so, and a phone has the kill button in reach', async () => {
  const page = await stage.open('/rollouts/x/y/z');
  await page.setViewportSize({ width: 360, height: 720 });
  await expect.poll(() => sentence(page)).toContain('no page');
  const kill = await page.locator('header .kill').boundingBox();
  expect(kill && kill.x + kill.width).toBeLessThanOrEqual(360);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  await page.close();
});

test('eight open pages hold one stream, and a kill goes out at once beside them', async () => {
  const pages = await Promise.all(Array.from({ length: 8 }, () => stage.open('/')));
  for (const page of pages) await expect.poll(() => page.locator('.clock .fresh').textContent()).toBe('live');
  // Sent by the page, over the connections that the pages share.
  const took = await pages[7]?.evaluate(async () => {
    const startedAtMs = performance.now();
    const body = JSON.stringify({ scope: { kind: 'site', site: 'plant-a' }, reason: 'smoke at line 1', actor: 'ana' });
    const response = await fetch('/v1/kills', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: response.status, ms: performance.now() - startedAtMs };
  });
  expect(took?.status).toBe(201);
  expect(took?.ms).toBeLessThan(1000);
  for (const page of pages)
    await expect.poll(() => page.locator('.needs').textContent()).toContain('Kill of plant-a by ana is in force');
  for (const page of pages) await page.close();
});

test('without news the page is loud, and it comes back by itself', async () => {
  const page = await stage.open('/');
  const kiosk = await stage.open('/?kiosk=1');
  for (const each of [page, kiosk]) await expect.poll(() => each.locator('.clock .fresh').textContent()).toBe('live');
  expect(await kiosk.locator(':is(header, button, select, input):visible').count()).toBe(0);
  await stage.pauseServer(async () => {
    // From across a hall: over everything, and what is old looks old.
    await expect.poll(() => kiosk.getByRole('alert').textContent()).toMatch(/No news since \d+ s/);
    const styleOf = (what: string, property: string) =>
      kiosk.evaluate(`getComputedStyle(document.querySelector('${what}')).${property}`);
    expect(Number.parseFloat(String(await styleOf('[role=alert]', 'fontSize')))).toBeGreaterThan(28);
    expect(await styleOf('main', 'filter')).toContain('grayscale');
    await expect
      .poll(() => page.getByRole('alert').textContent())
      .toMatch(/No news since \d+ s: what you see may be old/);
    await expect.poll(() => page.locator('.clock .fresh').textContent()).toBe('not live');
  });
  await expect.poll(() => page.locator('.clock .fresh').textContent(), { timeout: 30_000 }).toBe('live');
  expect(await page.getByRole('alert').count()).toBe(0);
  await expect.poll(() => kiosk.getByRole('alert').count(), { timeout: 30_000 }).toBe(0);
  await kiosk.close();
  await page.close();
});
