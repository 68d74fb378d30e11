// Telemetry over a real broker and database: counted once, acknowledged when stored, refused in words.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildArm, buildWindow } from '../../shared/measure/window-builder.ts';
import { openPlaneBench, type PlaneBench, type TestDevice } from '../open-plane.ts';

let bench: PlaneBench;
let device: TestDevice;

beforeEach(async () => {
  bench = await openPlaneBench({ telemetry: { gapMs: 300 } });
  device = await bench.connect('plant-a', 'cam-01');
  await device.hello();
});

afterEach(() => bench.close());

const WAIT = { timeout: 5000 };

async function status() {
  const { body } = await bench.get('/v1/status');
  return body as {
    telemetry: { stored: number; duplicates: number };
    refused: { total: number; byKind: Record<string, number>; last: { channel: string; reason: string }[] };
  };
}

function watermark(): number | undefined {
  return device.acks.at(-1)?.seq;
}

describe('storing', () => {
  it('acknowledges up to the first hole, and past it when it is filled', async () => {
    for (const seq of [1, 2, 4]) await device.window(seq);
    await expect.poll(watermark, WAIT).toBe(2);
    await device.event(3, {});
    await expect.poll(watermark, WAIT).toBe(4);
  });

  it('counts a message once, however often it is sent', async () => {
    for (const seq of [1, 2, 1, 2, 1]) await device.window(seq);
    await device.event(3, {});
    await device.event(3, {});
    await expect.poll(watermark, WAIT).toBe(3);
    await expect.poll(async () => (await status()).telemetry, WAIT).toMatchObject({ stored: 3, duplicates: 4 });
  });

  it('goes on counting after a restart of the control plane', async () => {
    for (const seq of [1, 2, 4]) await device.window(seq);
    await expect.poll(watermark, WAIT).toBe(2);
    await device.close();
    await bench.restart();
    const again = await bench.connect('plant-a', 'cam-01');
    const { boot } = device;
    await again.send('window', { ...stored(1), boot, seq: 3 });
    await expect.poll(() => again.acks.at(-1), WAIT).toMatchObject({ boot, seq: 4 });
  });

  it('takes a hole for lost when it stays', async () => {
    await device.window(1);
    await device.window(5);
    await expect.poll(watermark, WAIT).toBe(1);
    await expect
      .poll(async () => {
        await device.window(6); // what a device does: the next minute's window
        return watermark();
      }, WAIT)
      .toBe(6);
  });
});

/** A window as it was stored, to be sent again under another number. */
function stored(seq: number): Record<string, unknown> {
  return { ...buildWindow({ site: 'plant-a', device: 'cam-01', seq }) };
}

describe('refusing', () => {
  it('names what is wrong, and does not let it hold up what follows', async () => {
    await device.window(1, { arms: [{ release: 'x' }] as never });
    await device.window(2);
    await expect.poll(watermark, WAIT).toBe(2);
    const { refused, telemetry } = await status();
    expect(telemetry.stored).toBe(1);
    expect(refused).toMatchObject({ total: 1, byKind: { malformed: 1 }, last: [{ channel: 'window' }] });
    expect(refused.last[0]?.reason).toContain('arms.0.digest');
  });

  it('refuses what is no JSON, not a number, unreadable, too deep or of somebody else', async () => {
    const bad = [
      '{"v":1',
      'null',
      Buffer.from([0xff, 0x00, 0xfe]),
      '[1e999]',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      JSON.stringify({ v: 1, site: 'plant-b', device: 'cam-09', boot: 'boot-00001', seq: 1 }),
    ];
    for (const payload of bad) await device.sendRaw('event', payload);
    await device.send('event', { site: 'plant-b', seq: 9, kind: 'boot', atMs: 1, reason: '' });
    await expect.poll(async () => (await status()).refused.total, WAIT).toBe(bad.length + 1);
    expect((await status()).refused.byKind).toMatchObject({ 'wrong-address': 1 });
    await device.event(1, {});
    await expect.poll(watermark, WAIT).toBe(1);
  });

  it('refuses a latency sketch that does not decode', async () => {
    const arm = buildArm();
    await device.window(1, { arms: [{ ...arm, runMs: { ...arm.runMs, bins: 'AAAA' } }] });
    await expect
      .poll(async () => (await status()).refused.last[0]?.reason, WAIT)
      .toMatch(/arms.0.runMs: is not a readable/);
  });
});

describe('presence', () => {
  it('follows status, and a last will of an older boot says nothing', async () => {
    const online = async () => {
      const { body } = await bench.get('/v1/devices/plant-a/cam-01');
      return body.online;
    };
    await expect.poll(online, WAIT).toBe(true);
    await device.send('status', { online: false, boot: 'an-older-boot' });
    await device.window(1);
    await expect.poll(watermark, WAIT).toBe(1);
    expect(await online()).toBe(true);
    await device.send('status', { online: false });
    await expect.poll(online, WAIT).toBe(false);
  });
});
