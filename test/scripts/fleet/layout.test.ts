// Who stands where in the small fleet.
import { describe, expect, it } from 'vitest';
import { lineNamed } from '../../../agent/frames/line/lines.ts';
import { deviceCount, layOutFleet } from '../../../scripts/fleet/layout.ts';
import { nameSchema } from '../../../shared/basics/identifiers.ts';

describe('deviceCount', () => {
  it.each([
    [1, 6],
    [2, 6],
    [4, 6],
    [5, 6],
    [6, 9],
    [8, 12],
    [9, 12],
    [128, 12],
  ])('%i cores: %i devices', (cores, devices) => {
    expect(deviceCount(cores)).toBe(devices);
  });

  it('always fills the three factories evenly', () => {
    for (let cores = 1; cores <= 32; cores += 1) expect(deviceCount(cores) % 3).toBe(0);
  });
});

describe('layOutFleet', () => {
  it('spreads six devices over three factories', () => {
    expect(layOutFleet(6).map(({ site, device, line }) => `${site}/${device} ${line}`)).toEqual([
      'plant-a/cam-a1 brackets-1',
      'plant-b/cam-b1 brackets-2',
      'plant-c/cam-c1 covers-1',
      'plant-a/cam-a2 flanges-1',
      'plant-b/cam-b2 mixed-1',
      'plant-c/cam-c2 covers-1',
    ]);
  });

  it('gives every device a valid name of its own and a production line that exists', () => {
    const fleet = layOutFleet(12);
    expect(new Set(fleet.map((device) => device.device)).size).toBe(12);
    for (const { site, device, line } of fleet) {
      expect(nameSchema.safeParse(site).success, site).toBe(true);
      expect(nameSchema.safeParse(device).success, device).toBe(true);
      expect(lineNamed(line), line).toBeTruthy();
    }
  });

  it('lays out nothing for nobody', () => {
    expect(layOutFleet(0)).toEqual([]);
  });
});
