// What people do on the pages, each signed in, over a real control plane, a real judge, and devices that obey: look, refuse, approve,
// watch a rollout climb and another one go back by itself, kill and read how long it took.
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPeopleStage, type PeopleStage } from './people.ts';
import { quickRollout } from './quick-rollout.ts';

let stage: PeopleStage;
let viewer: BrowserContext;
let engineer: BrowserContext;
let lead: BrowserContext;

beforeAll(async () => {
  stage = await openPeopleStage();
  viewer = await stage.account('guest', 'viewer');
  engineer = await stage.account('engineer', 'operator');
  lead = await stage.account('quality-lead', 'approver');
  const committed = await stage.release('1.0.0');
  await stage.fleet('plant-a', ['cam-1', 'cam-2'], committed);
  const devices = await stage.fleet('plant-b', ['cam-3', 'cam-4'], committed);
  await vi.waitFor(() => expect(devices.every(({ generation }) => generation > 0)).toBe(true), 10_000);
});
afterAll(() => stage.close());

/** As the page does it, whatever the page says about it. */
function force(page: Page, path: string, body: object): Promise<{ status: number; text: string }> {
  return page.evaluate(
    async ({ address, sent }) => {
      const { csrf } = (await (await fetch('/v1/session')).json()) as { csrf: string };
      const headers = { 'content-type': 'application/json', 'x-belay-csrf': csrf, 'if-match': '*' };
      const answer = await fetch(address, { method: 'POST', headers, body: JSON.stringify(sent) });
      return { status: answer.status, text: await answer.text() };
    },
    { address: path, sent: body },
  );
}

const reasonIn = (page: Page) => page.getByRole('textbox', { name: /^Reason/ });

/** Starts it from the page: plan, look, reason, start. */
async function start(page: Page, file: string): Promise<string> {
  await page.getByRole('button', { name: 'Plan a rollout' }).click();
  await page.getByLabel('The rollout file').fill(file);
  await page.getByRole('button', { name: 'See the plan' }).click();
  await page.getByRole('button', { name: /^Start/ }).click();
  await reasonIn(page).last().fill('fewer false alarms');
  await page
    .getByRole('dialog')
    .last()
    .getByRole('button', { name: /^Start/ })
    .click();
  await page.waitForURL(/\/rollouts\/./);
  return new URL(page.url()).pathname.split('/').at(-1) ?? '';
}

const rung = (page: Page, name: string) => page.locator('.ladder li').filter({ hasText: name });
const button = (page: Page, word: string) => page.locator('.acts').getByRole('button', { name: word, exact: true });
const DEADLINE = { timeout: 20_000 };

test('a rollout climbs on its page, and waits for another person than the one who started it', async () => {
  const candidate = await stage.release('1.1.0');
  const file = quickRollout('climb', candidate, [
    { name: 'first', percent: 25, bake: '1s', extend: '40x1s', promote: 'auto' },
    { name: 'half', percent: 50, bake: '1s', extend: '40x1s', promote: 'approval', approvals: 1 },
    { name: 'full', percent: 100, bake: '1s', extend: '40x1s', promote: 'auto' },
  ]);
  const own = await stage.open(engineer, '/rollouts', 'engineer');
  const id = await start(own, file);
  await own.evaluate('window.isTheSamePage = true');
  await expect.poll(() => rung(own, 'first').getAttribute('class'), DEADLINE).toBe('done');
  await expect.poll(() => rung(own, 'half').getAttribute('aria-current'), DEADLINE).toBe('step');

  expect(await button(own, 'Approve').getAttribute('title')).toContain('engineer');
  expect(await button(own, 'Approve').getAttribute('aria-disabled')).toBe('true');
  const { planHash } = (await stage.bench.get(`/v1/rollouts/${id}`)).body;
  const refused = await force(own, `/v1/rollouts/${id}/approve`, { reason: 'it is mine', planHash });
  expect(refused.status).toBe(403);

  const guest = await stage.open(viewer, `/rollouts/${id}`, 'guest');
  await expect.poll(() => rung(guest, 'half').count()).toBe(1);
  for (const word of ['Hold', 'Approve', 'Roll back', 'Abort']) {
    expect(await button(guest, word).getAttribute('aria-disabled')).toBe('true');
    expect(await button(guest, word).getAttribute('title')).toMatch(/guest is not (operator|approver) at plant-a/);
  }
  expect((await force(guest, `/v1/rollouts/${id}/rollback`, { reason: 'let me' })).status).toBe(403);
  await guest.goto(`${stage.bench.plane.httpUrl}/kill?scope=fleet`);
  await expect.poll(() => guest.locator('#hold-says').textContent()).toContain('guest has no kill right');
  expect((await force(guest, '/v1/kills', { scope: { kind: 'fleet' }, reason: 'let me' })).status).toBe(403);
  await guest.close();

  const other = await stage.open(lead, `/rollouts/${id}`, 'quality-lead');
  await button(other, 'Approve').click();
  await reasonIn(other).last().fill('looked at every frame');
  await other.getByRole('dialog').getByRole('button', { name: 'Approve', exact: true }).click();
  await expect.poll(() => rung(own, 'full').getAttribute('class'), DEADLINE).not.toBe('pending');
  await expect.poll(() => own.locator('h1').textContent(), DEADLINE).toContain('completed');
  expect(await own.evaluate('window.isTheSamePage')).toBe(true);
  await other.close();
  await own.close();
});

test('a slow candidate is taken back by itself: the page says so, shows the red tile, and leads to the incident', async () => {
  const candidate = await stage.release('1.2.0', 240);
  const page = await stage.open(engineer, '/rollouts', 'engineer');
  await start(
    page,
    quickRollout('slow', candidate, [
      { name: 'half', percent: 50, bake: '20s', extend: '2x5s', promote: 'auto' },
      { name: 'full', percent: 100, bake: '20s', extend: '2x5s', promote: 'auto' },
    ]),
  );
  await expect.poll(() => page.locator('.tile.bad h3').textContent(), DEADLINE).toMatch(/latency/i);
  await expect.poll(() => page.locator('h1').textContent(), DEADLINE).toMatch(/rolled back/);
  expect(await page.locator('.tile.bad details').textContent()).toContain('60 ms');
  const sentence = page.locator('.head .sentence');
  expect(await sentence.getAttribute('aria-live')).toBe('polite');
  expect(await sentence.textContent()).toMatch(/latency/i);
  await page.goto(`${stage.bench.plane.httpUrl}/incidents`);
  await page.getByRole('link', { name: /slow/ }).first().click();
  await expect.poll(() => page.locator('h1').textContent()).toContain(`rolled back: ${candidate.release}`);
  expect(await page.locator('main').textContent()).toContain('60 ms');
  await page.close();
});

test('what a device sees is shown when its site allows it, to who operates there, with the boxes that one asks for', async () => {
  const address = '/devices/plant-a/cam-1';
  const ask = (page: Page) => page.getByRole('button', { name: 'Ask for its last frame' });
  const page = await stage.open(engineer, address, 'engineer');
  await expect.poll(() => ask(page).getAttribute('title'), DEADLINE).toBe('pictures are off at plant-a');
  const { status } = await stage.setPolicy('plant-a', 'on');
  expect(status).toBe(200);
  await page.reload();
  await expect.poll(() => ask(page).getAttribute('aria-disabled'), DEADLINE).toBe('false');
  await ask(page).click();
  const picture = page.locator('svg.picture');
  await picture.waitFor();
  expect(await picture.locator('rect').count()).toBe(4);
  expect(await page.locator('figure.frame figcaption').textContent()).toContain(
    'Lost: scratch 91 %. Gained: hole 62 %.',
  );
  await page.getByLabel('Only where they differ').check();
  expect(await picture.locator('text').allTextContents()).toEqual(['≠ scratch 91 %', '≠ hole 62 %']);
  await page.getByLabel('Candidate (dashes)').uncheck();
  expect(await picture.locator('text').allTextContents()).toEqual(['≠ scratch 91 %']);
  const guest = await stage.open(viewer, address, 'guest');
  await expect.poll(() => ask(guest).getAttribute('title'), DEADLINE).toContain('guest is not operator at plant-a');
  expect(await guest.locator('svg.picture').count()).toBe(0);
  await guest.close();
  await page.close();
});

test('frames in which a shadow differs lie side by side, the largest difference first', async () => {
  const candidate = await stage.release('1.3.0');
  const stages = [
    { name: 'shadow', percent: 100, mode: 'shadow', bake: '10m', promote: 'manual' },
    { name: 'all', percent: 100, bake: '10m', promote: 'manual' },
  ];
  const errors = { id: 'errors', expr: 'rate(errors, frames) <= 90 %', enforce: 'hold' };
  const file = quickRollout('review', candidate, stages, [errors]);
  const { status, body } = await stage.bench.post('/v1/rollouts', { file, reason: 'fewer misses' });
  expect(status).toBe(201);
  const page = await stage.open(engineer, `/rollouts/${String(body.id)}`, 'engineer');
  await page.getByRole('button', { name: 'Frames where they differ' }).click();
  const pair = page.locator('.frame-pair');
  await expect
    .poll(async () => {
      await page.getByRole('button', { name: 'Fetch disagreeing frames' }).click();
      return pair.count();
    }, DEADLINE)
    .toBeGreaterThanOrEqual(2);
  const captions = await page.locator('figure.frame figcaption').allTextContents();
  expect(captions[0]).toContain('Lost: scratch 91 %. Gained: hole 62 %.');
  expect(captions.at(-1)).toContain(': Gained: hole 62 %.');
  expect(await pair.first().locator('svg.picture').count()).toBe(2);
  expect(await pair.first().locator('svg.picture').first().locator('text').allTextContents()).toEqual([
    '≠ scratch 91 %',
    'dent 77 %',
  ]);
  expect(await page.locator('.rollout').textContent()).toContain('pictures are off at plant-b');
  await stage.bench.post(`/v1/rollouts/${String(body.id)}/abort`, { reason: 'seen', keep: false });
  await page.close();
});

test('a kill is held down for a second, and the page reads how long the devices took', async () => {
  const page = await stage.open(lead, '/kill?scope=site%3Aplant-a', 'quality-lead');
  await reasonIn(page).fill('smoke at line 1');
  const hold = page.locator('button.hold');
  await expect.poll(() => hold.getAttribute('aria-disabled')).toBe('false');
  await hold.click();
  expect((await stage.bench.get('/v1/kills')).body.kills).toEqual([]);
  await hold.hover();
  await page.mouse.down();
  await page.waitForURL(/\/kill\/./);
  await page.mouse.up();
  await expect.poll(() => page.locator('.verdict').textContent()).toBe('All 2 reachable devices have acknowledged');
  const [p50] = await page.locator('.times dd').allTextContents();
  expect(p50).toMatch(/^\d+ ms$/);
  const { body } = await stage.bench.get(`/v1/kills/${new URL(page.url()).pathname.split('/').at(-1)}`);
  expect(p50).toBe(`${Math.round(Number(body.p50Ms))} ms`);
  expect(Number.parseInt(p50 ?? '', 10)).toBeLessThan(5000);
  await page.close();
  expect(stage.errors).toEqual([]);
});
