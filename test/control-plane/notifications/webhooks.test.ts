// Webhooks as their receivers meet them: what is told, that it is genuine, and what happens when nobody answers.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Delivery, deliveryListSchema, type Webhook } from '../../../shared/protocol/api-webhooks.ts';
import { type BusyPlane, openBusyPlane } from '../metrics/busy-plane.ts';
import { openReceiver, type Receiver, verify } from './receiver.ts';

let plane: BusyPlane;
const receivers: Receiver[] = [];

beforeAll(async () => {
  const webhooks = { everyMs: 30, timeoutMs: 300, retryDelaysMs: [20, 30], allowNetworks: ['127.0.0.0/8'] };
  plane = await openBusyPlane({ webhooks });
});

afterEach(async () => {
  const { body } = await plane.bench.get('/v1/webhooks');
  for (const { id } of body.webhooks as Webhook[]) await plane.bench.post(`/v1/webhooks/${id}/remove`, {});
  for (const receiver of receivers.splice(0)) await receiver.close();
});

afterAll(() => plane.bench.close());

type Opened = Receiver & { readonly id: string; readonly secret: string };

async function listenTo(part: Record<string, unknown> = {}): Promise<Opened> {
  const receiver = await openReceiver();
  receivers.push(receiver);
  const { status, body } = await plane.bench.post('/v1/webhooks', { url: receiver.url, actor: 'admin', ...part });
  expect({ status, body }).toMatchObject({ status: 201 });
  return Object.assign(receiver, { id: body.id as string, secret: body.secret as string });
}

async function logOf(id: string): Promise<Delivery[]> {
  const { body } = await plane.bench.get(`/v1/webhooks/${id}/deliveries`);
  return deliveryListSchema.parse(body).deliveries;
}

const act = (verb: string) =>
  plane.bench.post(`/v1/rollouts/${plane.rolloutId}/${verb}`, { actor: 'on-call', reason: verb });
const typesOf = ({ received }: Receiver) => received.map(({ event }) => event.type);

describe('a webhook', () => {
  it('is told of a rollout that is held and goes on: as a CloudEvent, signed, once each', async () => {
    const receiver = await listenTo();
    await act('hold');
    await act('resume');
    await expect.poll(() => typesOf(receiver)).toHaveLength(2);
    const [held] = receiver.received.filter(({ event }) => event.type === 'dev.belay.rollout.held.v1');
    expect(held?.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
    expect(held?.event).toMatchObject({
      id: held?.headers['webhook-id'],
      source: expect.stringMatching(/^urn:belay:/),
      subject: `rollout/${plane.rolloutId}`,
      data: {
        rolloutId: plane.rolloutId,
        name: 'tiny-2',
        candidate: 'tiny-detector:1.1.0+data=test0',
        stage: 'half',
        fromState: 'running',
        toState: 'holding',
        actor: 'on-call',
        sites: ['plant-a'],
        next: `belay rollout get ${plane.rolloutId}`,
      },
    });
    for (const each of receiver.received) verify(each, receiver.secret);
    const [first] = receiver.received;
    if (first) expect(() => verify({ ...first, text: `${first.text} ` }, receiver.secret)).toThrow('signature');
    // The receiver has it before its answer is in the log.
    await expect
      .poll(() => logOf(receiver.id))
      .toMatchObject([{ state: 'delivered' }, { state: 'delivered', attempts: 1 }]);
  });

  it('is told of kills, incidents and devices that went back, where it asked for them and for the site', async () => {
    const all = await listenTo();
    const elsewhere = await listenTo({ sites: ['plant-b'] });
    const halts = await listenTo({ events: ['dev.belay.device.halted.v1'] });
    const [device] = plane.devices;
    await device?.event(2, { kind: 'reverted', reason: 'p95 above its limit', breach: 'latency' });
    await device?.event(3, { kind: 'halted', reason: 'every release has failed' });
    const scope = { kind: 'device', site: 'plant-a', device: 'cam-02' };
    const { body } = await plane.bench.post('/v1/kills', { scope, reason: 'smoke', actor: 'on-call' });
    await plane.bench.post(`/v1/kills/${body.id}/rearm`, { reason: 'aired', actor: 'on-call' });
    await expect
      .poll(() => typesOf(all).sort())
      .toEqual([
        'dev.belay.device.halted.v1',
        'dev.belay.device.reverted.v1',
        'dev.belay.kill.raised.v1',
        'dev.belay.kill.rearmed.v1',
      ]);
    const reverted = all.received.find(({ event }) => event.type.includes('reverted'));
    expect(reverted?.event).toMatchObject({
      subject: 'device/plant-a/cam-01',
      data: { reason: 'p95 above its limit', breach: 'latency' },
    });
    await expect.poll(() => typesOf(halts)).toEqual(['dev.belay.device.halted.v1']);
    expect(elsewhere.received).toEqual([]);
    expect(await logOf(elsewhere.id)).toEqual([]);
  });

  it('is tried again with the same id until it answers, and every attempt is in its log', async () => {
    const receiver = await listenTo();
    receiver.reply = (count) => (count < 3 ? { status: 503, body: 'not now' } : { status: 200, body: 'thanks' });
    await act('hold');
    await expect.poll(() => logOf(receiver.id)).toMatchObject([{ state: 'delivered' }]);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([ids[0], ids[0], ids[0]]);
    const [delivery] = await logOf(receiver.id);
    expect(delivery?.log).toMatchObject([
      { number: 3, status: 200, error: null, answer: 'thanks' },
      { number: 2, status: 503, error: 'answered 503', answer: 'not now' },
      { number: 1, status: 503 },
    ]);
    await act('resume');
  });

  it('is dead after the last attempt, slows nobody meanwhile, and can be sent again by hand', async () => {
    const dead = await listenTo({ description: 'never answers' });
    const alive = await listenTo();
    dead.reply = () => null;
    await act('hold');
    await act('resume');
    await expect.poll(() => typesOf(alive)).toHaveLength(2);
    expect(dead.received.length).toBeLessThanOrEqual(4);
    await expect.poll(() => logOf(dead.id)).toMatchObject([{ state: 'dead', attempts: 3 }, { state: 'dead' }]);
    const [delivery] = await logOf(dead.id);
    expect(delivery?.log[0]).toMatchObject({ status: null, error: 'no answer within 0.3 s' });
    const { body } = await plane.bench.get('/v1/webhooks');
    expect((body.webhooks as Webhook[])[0]).toMatchObject({ dead: 2, trouble: 'no answer within 0.3 s' });
    dead.reply = () => ({ status: 200 });
    await plane.bench.post(`/v1/webhooks/${dead.id}/deliveries/${delivery?.id}/redeliver`, {});
    await expect.poll(async () => (await logOf(dead.id))[0]).toMatchObject({ state: 'delivered', attempts: 4 });
    expect(dead.received.at(-1)?.event.id).toBe(delivery?.eventId);
  });

  it('answers a ping at once, with what came of it', async () => {
    const receiver = await listenTo({ events: ['dev.belay.device.halted.v1'] });
    expect(await plane.bench.post(`/v1/webhooks/${receiver.id}/test`, {})).toMatchObject({
      status: 200,
      body: { type: 'dev.belay.webhook.test.v1', state: 'delivered', log: [{ status: 204 }] },
    });
    receiver.reply = () => ({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    const { body } = await plane.bench.post(`/v1/webhooks/${receiver.id}/test`, {});
    expect(body).toMatchObject({
      state: 'dead',
      attempts: 1,
      log: [{ error: expect.stringContaining('not followed') }],
    });
    expect(receiver.received).toHaveLength(2);
  });

  it('is left alone while it is disabled, and for good once it says that it is gone', async () => {
    const off = await listenTo();
    const gone = await listenTo();
    gone.reply = () => ({ status: 410 });
    await plane.bench.post(`/v1/webhooks/${off.id}/disable`, { actor: 'admin', reason: 'being moved' });
    await act('hold');
    await expect
      .poll(async () => ((await plane.bench.get('/v1/webhooks')).body.webhooks as Webhook[])[1])
      .toMatchObject({ disabledBecause: 'it answered 410: gone for good', dead: 1 });
    expect(off.received).toEqual([]);
    await act('resume');
  });

  it('is told after a restart what happened before it, once', async () => {
    const receiver = await listenTo();
    receiver.reply = () => ({ status: 500 });
    await act('hold');
    await expect.poll(() => receiver.received.length).toBeGreaterThan(0);
    receiver.reply = () => ({ status: 200 });
    await plane.bench.restart();
    await expect.poll(() => logOf(receiver.id)).toMatchObject([{ type: 'dev.belay.rollout.held.v1' }]);
    expect(new Set(receiver.received.map(({ event }) => event.id)).size).toBe(1);
    await act('resume');
  });

  it('keeps its secret to itself after it was shown once, and is refused where it may not go', async () => {
    const receiver = await listenTo();
    const { body } = await plane.bench.get('/v1/webhooks');
    expect(JSON.stringify(body)).not.toContain(receiver.secret);
    for (const url of ['http://169.254.169.254/latest', 'http://[::1]:80/', 'ftp://plant/', 'http://me:pw@plant/']) {
      const refused = await plane.bench.post('/v1/webhooks', { url });
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path: 'url' }] } });
    }
    expect(await plane.bench.post('/v1/webhooks/w-none/test', {})).toMatchObject({ status: 404 });
  });
});
