// Small disks of our own: an ext4 image on a loop device whose backing file can be copied as a power cut would leave it,
// and a tmpfs. Needs root and the right to mount; says so in one sentence where that is refused.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

export type Disk = { readonly path: string; readonly unmount: () => void };

/** Journal and page cache are left to themselves: what a program has not synced is not on the disk for a long time. */
const EXT4_OPTIONS = 'loop,commit=300,noatime';

export type Image = Disk & {
  /** The disk as it would be found had the power gone this moment. */
  readonly copyTo: (file: string) => void;
};

/** An empty ext4 file system of `mebibytes` in `folder`, mounted. */
export function makeImage(folder: string, name: string, mebibytes: number): Image {
  const file = join(folder, `${name}.img`);
  run('truncate', ['-s', `${mebibytes}M`, file]);
  run('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  const disk = mountImage(file, join(folder, name));
  // Through the loop device's own cache; the file system above it is not asked to write anything.
  return { ...disk, copyTo: (to) => run('cp', ['--sparse=always', file, to]) };
}

/** Mounts an image; its journal is replayed as at a boot. */
export function mountImage(file: string, at: string, more = ''): Disk {
  mkdirSync(at, { recursive: true });
  run('mount', ['-t', 'ext4', '-o', `${EXT4_OPTIONS}${more}`, file, at]);
  return diskAt(at);
}

export function mountTmpfs(at: string, mebibytes: number): Disk {
  mkdirSync(at, { recursive: true });
  run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', at]);
  return diskAt(at);
}

export function remount(disk: Disk, mode: 'ro' | 'rw'): void {
  run('mount', ['-o', `remount,${mode}`, disk.path]);
}

export function freeBytesOf(disk: Disk): number {
  const { bavail, bsize } = statfsSync(disk.path);
  return bavail * bsize;
}

/** Null when disks can be mounted here; otherwise why not. */
export function mountFault(folder: string, name: string): string | null {
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    makeImage(folder, `probe-${name}`, 8).unmount();
    rmSync(join(folder, `probe-${name}.img`));
    mountTmpfs(join(folder, `probe-${name}`), 1).unmount();
    return null;
  } catch (error) {
    return (error as Error).message.split('\n').slice(0, 2).join(' ');
  }
}

function diskAt(path: string): Disk {
  let isMounted = true;
  const unmount = () => {
    if (!isMounted) return;
    // Lazily as a last resort: a process of the agent may take a moment to go.
    try {
      run('umount', [path]);
    } catch {
      run('umount', ['-l', path]);
    }
    isMounted = false;
  };
  return { path, unmount };
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
