// What this machine is made of, from files: nothing is spawned, so it costs a start nothing. Read once; unknown is null.
import { join } from 'node:path';
import type { Hardware } from '../../shared/protocol/hardware.ts';
import { readMemory } from './load.ts';
import { listPaths, openTextReader, type ReadText, wordOf } from './sysfs.ts';

export type HardwareOptions = {
  readonly sysRoot?: string;
  readonly procRoot?: string;
  readonly etcRoot?: string;
  readonly readText?: ReadText;
};

const WORDS_MAX = 200;

/** ARM processors say numbers only: implementer and part. Those of the boards that inspection lines are built of. */
const ARM_PARTS: Readonly<Record<string, string>> = {
  '0x41 0xd03': 'Cortex-A53',
  '0x41 0xd04': 'Cortex-A35',
  '0x41 0xd05': 'Cortex-A55',
  '0x41 0xd07': 'Cortex-A57',
  '0x41 0xd08': 'Cortex-A72',
  '0x41 0xd0b': 'Cortex-A76',
  '0x41 0xd0c': 'Neoverse N1',
  '0x41 0xd42': 'Cortex-A78AE',
  '0x41 0xd4f': 'Neoverse V2',
  '0x4e 0x003': 'NVIDIA Denver 2',
  '0x4e 0x004': 'NVIDIA Carmel',
};

export function readHardware(options: HardwareOptions = {}): Hardware {
  const { sysRoot = '/sys', procRoot = '/proc', etcRoot = '/etc' } = options;
  const read = options.readText ?? openTextReader(() => undefined);
  const word = (...path: string[]) => bounded(wordOf(read(join(...path))));
  const cpuInfo = read(join(procRoot, 'cpuinfo')) ?? '';
  return {
    model:
      word(procRoot, 'device-tree/model') ?? word(sysRoot, 'firmware/devicetree/base/model') ?? pcOf(sysRoot, word),
    boardSupport: jetsonRelease(read(join(etcRoot, 'nv_tegra_release'))),
    cpu: bounded(cpuOf(cpuInfo)),
    cores: listPaths(join(sysRoot, 'devices/system/cpu'), /^cpu\d+$/).length || null,
    gpu: gpuOf(procRoot, read),
    memoryBytes: readMemory(procRoot, read).totalBytes,
    os: bounded(/^PRETTY_NAME="?([^"\n]+)/m.exec(read(join(etcRoot, 'os-release')) ?? '')?.[1] ?? null),
    kernel: word(procRoot, 'sys/kernel/osrelease'),
  };
}

function pcOf(sysRoot: string, word: (...path: string[]) => string | null): string | null {
  const parts = ['sys_vendor', 'product_name'].map((file) => word(sysRoot, 'class/dmi/id', file));
  return bounded(parts.filter((part) => part !== null).join(' ') || null);
}

/** `# R36 (release), REVISION: 3.0, GCID: …` */
function jetsonRelease(text: string | null): string | null {
  const [, major, minor] = /^# R(\d{1,4}) \(release\), REVISION: ([\d.]{1,16})/.exec(text ?? '') ?? [];
  return major === undefined || minor === undefined ? null : `L4T R${major}.${minor}`;
}

function cpuOf(text: string): string | null {
  const field = (name: string) => new RegExp(`^${name}\\s*: *(.+)$`, 'm').exec(text)?.[1]?.trim() ?? null;
  const name = field('model name');
  const [implementer, part] = [field('CPU implementer'), field('CPU part')];
  // Some ARM kernels call every core `ARMv8 Processor rev 1 (v8l)`: the part says more.
  if (implementer === null || part === null) return name;
  return ARM_PARTS[`${implementer} ${part}`] ?? name ?? `implementer ${implementer} part ${part}`;
}

function gpuOf(procRoot: string, read: ReadText): string | null {
  const names = listPaths(join(procRoot, 'driver/nvidia/gpus'), /./).flatMap(
    (folder) => /^Model:\s*(.+)$/m.exec(read(join(folder, 'information')) ?? '')?.[1]?.trim() ?? [],
  );
  return bounded([...new Set(names)].join(', ') || null);
}

function bounded(words: string | null): string | null {
  return words === null ? null : words.slice(0, WORDS_MAX);
}
