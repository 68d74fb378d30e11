// What people read: the line of `explain` about the sensors, and what the machine is made of.
import { afterEach, describe, expect, it } from 'vitest';
import { describeHardware, describeSensors } from '../../../agent/sensors/describe-sensors.ts';
import { readHardware } from '../../../agent/sensors/hardware.ts';
import { hardwareSchema } from '../../../shared/protocol/hardware.ts';
import { BOARDS, openBoard, openCopies, rootsOf } from './boards.ts';

const { copy, clean } = openCopies();
afterEach(clean);

describe('the line about the sensors', () => {
  it('says what is known, and leaves out what is not there', () => {
    const lineOf = (board: string) => describeSensors(openBoard(board).readWhole());
    expect(lineOf('jetson-orin-jp5')).toBe(
      '48.8 °C (CPU-therm, 50 °C below throttling), 2 of 8 zones unreadable, throttled by cooling:cpu-throttle-alert, ' +
        'board draws 9.6 W, GPU load 0 %, memory 5.9 of 29.8 GB',
    );
    expect(lineOf('x86-laptop')).toBe(
      '58.0 °C (x86_pkg_temp, 37 °C below throttling), not throttled, ' +
        'battery 73 % not charging at -12.5 W (-25 points an hour), CPU pressure 3 %, CPU at 2800 of 4700 MHz, ' +
        'memory 7.6 of 15.3 GB',
    );
    expect(lineOf('broken')).toBe(
      'temperature unknown, 7 of 7 zones unreadable, throttling unknown, 2 rails, power unknown, memory ? of 0.0 GB',
    );
  });
});

describe('the machine', () => {
  it('is named by its device tree, with the release of the board software', () => {
    expect(readHardware(rootsOf('jetson-orin'))).toMatchObject({
      model: 'NVIDIA Jetson AGX Orin Developer Kit',
      boardSupport: 'L4T R36.3.0',
      memoryBytes: 15_657_304 * 1024,
    });
    expect(readHardware(rootsOf('jetson-nano'))).toMatchObject({
      model: 'NVIDIA Jetson Nano Developer Kit',
      boardSupport: 'L4T R32.7.1',
    });
  });

  it('is named by its vendor when it is a PC', () => {
    expect(readHardware(rootsOf('x86-laptop'))).toMatchObject({ model: 'LENOVO 20XW0026GE', boardSupport: null });
  });

  it('names the cores of a board, whose kernel has only numbers, and the graphics card of a PC', () => {
    const { folder } = copy(null, {
      'proc/cpuinfo':
        'processor\t: 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n',
      'sys/devices/system/cpu/cpu0/online': '1',
      'sys/devices/system/cpu/cpu1/online': '1',
      'proc/driver/nvidia/gpus/0000:65:00.0/information': 'Model: \t\t NVIDIA RTX A2000\nIRQ:   \t\t 138\n',
      'etc/os-release': 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.4 LTS"\n',
      'proc/sys/kernel/osrelease': '5.15.136-tegra\n',
    });
    const hardware = readHardware({ sysRoot: `${folder}/sys`, procRoot: `${folder}/proc`, etcRoot: `${folder}/etc` });
    expect(describeHardware(hardware)).toBe(
      '2 × Cortex-A78AE, NVIDIA RTX A2000, Ubuntu 22.04.4 LTS, kernel 5.15.136-tegra',
    );
  });

  it('fits its contract, also where nothing can be read', () => {
    for (const board of BOARDS) expect(hardwareSchema.safeParse(readHardware(rootsOf(board))).success).toBe(true);
    const nowhere = readHardware({ sysRoot: '/nowhere', procRoot: '/nowhere', etcRoot: '/nowhere' });
    expect(new Set(Object.values(nowhere))).toEqual(new Set([null]));
    expect(describeHardware(nowhere)).toBe('unknown');
  });
});
