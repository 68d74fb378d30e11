// Pictures on demand over a real control plane and a device on real MQTT: off until a site allows it, asked with a signature,
// taken only from the device that was asked, forgotten when the site says no, and all of it in the audit.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FramesAnswer } from '../../../shared/protocol/api-pictures.ts';
import { deviceAuthorization } from '../../../shared/protocol/device-authorization.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';
import { sentPicture } from './sent-picture.ts';

const FRAME = '/v1/devices/plant-a/cam-01/frame';

let bench: PlaneBench;
let device: TestDevice;

beforeAll(async () => {
  bench = await openPlaneBench();
  device = await bench.connect('plant-a', 'cam-01');
  await device.hello();
  await device.report({ pictures: 'allowed' });
  await vi.waitFor(async () => expect((await bench.get('/v1/devices/plant-a/cam-01')).body.reported).not.toBeNull());
});
afterAll(() => bench.close());
beforeEach(() => allow('off'));

async function allow(pictures: 'on' | 'off', site = 'plant-a'): Promise<void> {
  const { status } = await put(`/v1/sites/${site}/policy`, { pictures, reason: 'review' });
  expect(status).toBe(200);
}

async function put(path: string, body: unknown, headers = {}): Promise<{ status: number; body: { detail?: string } }> {
  const sent = { 'content-type': 'application/json', ...headers };
  const answer = await fetch(`${bench.plane.httpUrl}${path}`, {
    method: 'PUT',
    headers: sent,
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as { detail?: string } };
}

async function passwordOf(name: string): Promise<string> {
  return String((await bench.post(`/v1/devices/plant-a/${name}/credentials`, {})).body.password);
}

/** As the agent of that device would. */
async function upload(askId: string, body: unknown, name = 'cam-01') {
  const authorization = deviceAuthorization({ site: 'plant-a', device: name }, await passwordOf(name));
  return put(`/v1/devices/plant-a/cam-01/asks/${askId}`, body, { authorization });
}

async function ask(): Promise<string> {
  const asked = await bench.post(FRAME, { reason: 'is the lens clean' });
  expect(asked.status).toBe(202);
  const { id } = (asked.body as FramesAnswer).ask ?? { id: '' };
  await vi.waitFor(() => expect(device.asks.at(-1)?.id).toBe(id));
  return id;
}

const actions = async () => {
  const { rows } = (await bench.get('/v1/audit?limit=20')).body as { rows: { action: string; subject: string }[] };
  return rows.map(({ action, subject }) => `${action} ${subject}`);
};

describe('a site that nobody has asked about', () => {
  it('gives no pictures, and says who can change that', async () => {
    expect((await bench.get('/v1/sites/plant-z/policy')).body).toMatchObject({ pictures: 'off', changedBy: null });
    const before = device.asks.length;
    const refused = await bench.post(FRAME, {});
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ type: '/problems/pictures-off', detail: 'pictures are off at plant-a' });
    expect(String(refused.body.fix)).toContain('belay site set');
    expect(device.asks.length).toBe(before);
  });
});

describe('a site that allows pictures', () => {
  beforeEach(() => allow('on'));

  it('asks this boot of the device once, and shows what it sends with its age; all of it is in the audit', async () => {
    const id = await ask();
    expect(device.asks.at(-1)).toMatchObject({ what: 'last-frame', boot: device.boot, device: 'cam-01' });
    // Who asks meanwhile waits for the same picture.
    const again = (await bench.post(FRAME, {})).body as FramesAnswer;
    expect(again.ask).toMatchObject({ id, state: 'asked' });
    expect((await upload(id, { kind: 'pictures', pictures: [sentPicture({ ageMs: 5000 })], note: null })).status).toBe(
      200,
    );
    const shown = (await bench.get(FRAME)).body as FramesAnswer;
    expect(shown).toMatchObject({ ask: { state: 'answered' }, policy: 'on' });
    expect(shown.pictures[0]?.arms[0]?.objects[0]).toMatchObject({ label: 'dent', box: [1, 2, 3, 4] });
    const [picture] = shown.pictures;
    expect(Math.abs(Date.now() - 5000 - (picture?.takenAtMs ?? 0))).toBeLessThan(3000);
    expect(shown.forgottenAtMs).toBeGreaterThan(Date.now());
    await bench.get(FRAME);
    const seen = (await actions()).filter((row) => !row.startsWith('credentials')).slice(0, 4);
    // Two asked; who looked twice is named once.
    const subject = 'device/plant-a/cam-01';
    expect(seen).toEqual([
      `pictures-seen ${subject}`,
      `pictures-asked ${subject}`,
      `pictures-asked ${subject}`,
      'site-policy site/plant-a',
    ]);
  });

  it('takes nothing that nobody waits for, nothing of another device or a person, and nothing that is no JPEG', async () => {
    const pictures = { kind: 'pictures', pictures: [sentPicture()], note: null };
    expect((await upload('ask-00000', pictures)).status).toBe(409);
    const id = await ask();
    expect((await upload(id, pictures, 'cam-02')).status).toBe(403);
    const byPerson = await put(`/v1/devices/plant-a/cam-01/asks/${id}`, pictures);
    expect([byPerson.status, byPerson.body.detail]).toEqual([403, expect.stringContaining('from the device itself')]);
    const html = { ...pictures, pictures: [sentPicture({ jpeg: Buffer.from('<script>').toString('base64') })] };
    expect((await upload(id, html)).status).toBe(400);
    expect((await upload(id, pictures)).status).toBe(200);
    expect((await upload(id, pictures)).status).toBe(409);
  });

  it('tells why the device gave none', async () => {
    const id = await ask();
    await upload(id, { kind: 'refused', reason: 'no frame was answered within 4 s: top' });
    const { ask: told } = (await bench.get(FRAME)).body as FramesAnswer;
    expect(told).toMatchObject({ state: 'refused', says: 'no frame was answered within 4 s: top' });
  });

  it('refuses for a device that is offline, too old, or configured to give none', async () => {
    const refusal = async (name: string) => {
      const { status, body } = await bench.post(`/v1/devices/plant-a/${name}/frame`, {});
      return [status, body.detail];
    };
    expect(await refusal('cam-09')).toEqual([409, 'plant-a/cam-09 was never heard']);
    const other = await bench.connect('plant-a', 'cam-03');
    await other.hello();
    await other.report({});
    await vi.waitFor(async () =>
      expect(await refusal('cam-03')).toEqual([409, 'the agent of plant-a/cam-03 is too old to give pictures']),
    );
    await other.report({ pictures: 'never' });
    await vi.waitFor(async () =>
      expect(await refusal('cam-03')).toEqual([403, 'plant-a/cam-03 is configured to give no pictures']),
    );
    await other.send('status', { online: false });
    await vi.waitFor(async () => expect(await refusal('cam-03')).toEqual([409, 'plant-a/cam-03 is offline']));
  });

  it('forgets everything when it says no, takes nothing more, and tells the device', async () => {
    const id = await ask();
    await upload(id, { kind: 'pictures', pictures: [sentPicture()], note: null });
    const late = await ask();
    await allow('off');
    expect((await bench.get(FRAME)).body).toMatchObject({ pictures: [], ask: null, policy: 'off' });
    expect((await upload(late, { kind: 'pictures', pictures: [sentPicture()], note: null })).status).toBe(409);
    await vi.waitFor(() => expect(device.asks.at(-1)?.what).toBe('forget'));
  });

  it('is still allowed after a restart', async () => {
    await bench.restart();
    expect((await bench.get('/v1/sites/plant-a/policy')).body).toMatchObject({ pictures: 'on', changedBy: 'operator' });
  });
});
