// Files of /sys and /proc with any content: a reading always fits its contract, so that no driver can cost a window.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeHardware, describeSensors } from '../../../agent/sensors/describe-sensors.ts';
import { readHardware } from '../../../agent/sensors/hardware.ts';
import { openSensors } from '../../../agent/sensors/sensors.ts';
import { openTextReader } from '../../../agent/sensors/sysfs.ts';
import { addReading, NO_READINGS } from '../../../agent/telemetry/sensor-window.ts';
import { NO_SENSORS, sensorsSchema } from '../../../shared/measure/sensors.ts';
import { hardwareSchema } from '../../../shared/protocol/hardware.ts';
import { BOARDS, rootsOf } from '../sensors/boards.ts';

const TEXTS = [
  '',
  '0',
  '-1',
  '1e999',
  'NaN',
  '9'.repeat(500),
  '255000',
  '-273150',
  '99999999999',
  '\0\0',
  'yes',
  '0x7f',
  '12.5',
  '\n\n',
  '-0',
  'POWER_SUPPLY_TYPE=Battery\nPOWER_SUPPLY_ENERGY_NOW=99999999999999\nPOWER_SUPPLY_ENERGY_FULL=1',
  'cpu  1 2 3\n',
  'MemTotal: 5 kB\nMemAvailable: 9 kB',
  'some avg10=999.99 x',
];
const content = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ maxLength: 200 }),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);

it('a reading of rubbish fits its contract, twice, and as a window', () => {
  const real = openTextReader(() => undefined);
  fc.assert(
    fc.property(fc.constantFrom(...BOARDS), fc.infiniteStream(fc.option(content, { freq: 2 })), (board, contents) => {
      const { sysRoot, procRoot, etcRoot } = rootsOf(board);
      const readText = (path: string) => contents.next().value ?? real(path);
      const sensors = openSensors({ sysRoot, procRoot, etcRoot, readText });
      let sums = NO_READINGS;
      for (let reading = 0; reading < 3; reading += 1) {
        const whole = sensors.readWhole();
        expect(sensorsSchema.safeParse(whole).error?.issues ?? []).toEqual([]);
        sums = addReading(sums, whole);
        expect(describeSensors(whole)).not.toBe('');
      }
      expect(sensorsSchema.safeParse(sums.sensors).error?.issues ?? []).toEqual([]);
      const hardware = readHardware({ sysRoot, procRoot, etcRoot, readText });
      expect(hardwareSchema.safeParse(hardware).error?.issues ?? []).toEqual([]);
      expect(describeHardware(hardware)).not.toBe('');
    }),
    { numRuns: 1500 },
  );
});

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('names that no driver should have do no harm', () => {
  const files = { type: '__proto__', temp: '50000' };
  for (let zone = 0; zone < 100; zone += 1)
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, `class/thermal/thermal_zone${zone}/${name}`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, name === 'type' && zone % 2 === 0 ? 'cpu'.repeat(100) : text);
    }
  const reading = openSensors({ sysRoot: folder, procRoot: '/nowhere' }).readWhole();
  expect(sensorsSchema.parse(reading).zones.length).toBeLessThanOrEqual(64);
  expect(reading.hottestZone?.length).toBeLessThanOrEqual(64);
  expect({ ...NO_SENSORS, ...reading }).toEqual(reading);
});
