// The kill page without a script: a form over a real control plane, its answers, and what hostile words become in it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

let bench: PlaneBench;
let device: TestDevice;

beforeAll(async () => {
  bench = await openPlaneBench();
});

afterAll(() => bench.close());

const OF_TWO = '1 of 2 devices; 1 offline will obey on reconnect';
const SURE = { confirm: 'yes', typed: 'fleet' };

async function choices(): Promise<readonly { scope: string; says: string }[]> {
  return (await bench.get('/v1/kill-choices')).body.choices as { scope: string; says: string }[];
}

async function page(path: string): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${bench.plane.httpUrl}${path}`);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

async function post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
  const response = await fetch(`${bench.plane.httpUrl}${path}`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields),
    headers,
  });
  return { status: response.status, location: response.headers.get('location') ?? '', text: await response.text() };
}

describe('GET /v1/kill-choices', () => {
  it('counts the devices of each choice, and those that are away', async () => {
    device = await bench.connect('plant-a', 'cam-01');
    await device.hello();
    const away = await bench.connect('plant-a', 'cam-02');
    await away.hello();
    await away.send('status', { online: false });
    await expect.poll(async () => (await choices()).map(({ says }) => says)).toEqual([OF_TWO, OF_TWO]);
    expect((await choices()).map(({ scope }) => scope)).toEqual(['fleet', 'site:plant-a']);
  });
});

describe('GET /kill', () => {
  it('lists what can be killed with live counts, in a form that needs no script', async () => {
    const { status, text, headers } = await page('/kill');
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toContain("form-action 'self'");
    expect(text).toContain('<form method="post" action="/kill"');
    expect(text).toContain(`<option value="fleet" selected>The whole fleet: ${OF_TWO}</option>`);
    expect(text).toContain(`<option value="site:plant-a">plant-a: ${OF_TWO}</option>`);
    expect(text).not.toContain('http-equiv="refresh"');
  });

  it('has chosen what a link names', async () => {
    const { text } = await page('/kill?scope=device:plant-a/cam-01');
    expect(text).toContain('<option value="device" selected>');
    expect(text).toContain('value="plant-a/cam-01"');
  });

  it('shows a hostile link as plain words', async () => {
    const { text } = await page(`/kill?scope=${encodeURIComponent('device:"><script>alert(1)</script>/x')}`);
    expect(text).not.toContain('<script>alert');
  });
});

describe('POST /kill', () => {
  it.each([
    [{ scope: 'fleet', reason: '', ...SURE }, 'a reason is needed'],
    [{ scope: 'fleet', reason: 'smoke', confirm: 'yes' }, 'Type fleet'],
    [{ scope: 'site:plant-a', reason: 'smoke' }, 'Tick the box'],
    [{ scope: 'device', device: 'nonsense', reason: 'smoke', ...SURE }, 'site/device'],
    [{ scope: 'site:NOT A SITE', reason: 'smoke', ...SURE }, 'Its name is not valid'],
    [{ scope: 'release:nobody:1.0.0', reason: 'smoke', ...SURE }, 'no device reports it'],
  ])('kills nothing and says what is missing: %j', async (fields, says) => {
    const before = (await bench.get('/v1/kills')).body.kills;
    const answer = await post('/kill', fields);
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('Nothing was killed.');
    expect(answer.text).toContain(says);
    expect((await bench.get('/v1/kills')).body.kills).toEqual(before);
  });

  it('sends the kill to the device, and its page measures who obeyed until it is re-armed', async () => {
    const reason = 'wrong boxes <script>alert(1)</script>';
    const answer = await post('/kill', { scope: 'device', device: 'plant-a/cam-01', reason, confirm: 'yes' });
    expect(answer).toMatchObject({ status: 303, location: expect.stringMatching(/^\/kill\/k-/) });
    await expect.poll(() => device.kills.at(-1)?.document.kills).toMatchObject([{ reason, actor: 'operator' }]);
    const waiting = await page(answer.location);
    expect(waiting.text).toContain('<noscript><meta http-equiv="refresh" content="1"></noscript>');
    expect(waiting.text).toContain('plant-a/cam-01</a>');
    expect(waiting.text).toContain('wrong boxes &lt;script&gt;');
    expect(waiting.text).not.toContain('<script>alert');

    const killEpoch = device.kills.at(-1)?.document.epoch;
    await device.event(1, { kind: 'kill-ack', killEpoch, wasServing: true, effectMs: 12 });
    await expect.poll(async () => (await page(answer.location)).text).toContain('<dt>reverted</dt><dd>1</dd>');
    expect((await page(answer.location)).text).toMatch(/p50 \d+ ms, p95 \d+ ms, max \d+ ms/);
    expect((await page(answer.location)).text).not.toContain('http-equiv="refresh"');

    const id = answer.location.replace('/kill/', '');
    expect((await page(`${answer.location}?rearm=yes`)).text).toContain('nothing answers again by itself');
    expect(await post(`${answer.location}/rearm`, { reason: 'fixed', typed: 'no' })).toMatchObject({ status: 422 });
    expect(await post(`${answer.location}/rearm`, { reason: 'fixed', typed: id })).toMatchObject({ status: 303 });
    expect((await page(answer.location)).text).toContain('It was re-armed by operator');
  });

  it('is refused to a page of another origin', async () => {
    const fields = { scope: 'fleet', reason: 'x', ...SURE };
    const answer = await post('/kill', fields, { origin: 'http://elsewhere.example' });
    expect(answer.status).toBe(403);
    expect(device.kills.some(({ topic }) => topic === 'belay/v1/kill')).toBe(false);
  });

  it('leaves the rest of the API without forms', async () => {
    const answer = await post('/v1/kills', { scope: 'fleet', reason: 'smoke' });
    expect(answer.status).toBe(415);
  });
});

describe('where people sign in', () => {
  it('sends who is not signed in to sign in, and back', async () => {
    const closed = await openPlaneBench({ signIn: 'required' });
    const answer = await fetch(`${closed.plane.httpUrl}/kill?scope=fleet`, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toBe('/sign-in?next=%2Fkill%3Fscope%3Dfleet');
    await closed.close();
  });
});

describe('GET /kill/:id', () => {
  it('says when no kill is called so', async () => {
    const { status, text } = await page('/kill/k-none');
    expect(status).toBe(404);
    expect(text).toContain('No kill is called &quot;k-none&quot;.');
  });
});

describe('GET /v1/kills/:id/progress', () => {
  it('tells counts and first names, and no list of acknowledgements', async () => {
    const { body } = await bench.post('/v1/kills', { scope: { kind: 'site', site: 'plant-a' }, reason: 'drill' });
    const progress = await bench.get(`/v1/kills/${body.id}/progress`);
    expect(progress.body).toMatchObject({ sent: 2, stragglerCount: 1, offlineCount: 1, p95Ms: null, fault: null });
    expect(progress.body).not.toHaveProperty('acks');
    expect(await bench.get('/v1/kills/k-none/progress')).toMatchObject({ status: 404 });
  });
});
