// Everything a fault test stands on, made once: folders, the camera's film, the packages, the factory folder. Cleared with
// all it has started, also when a test fails or is interrupted.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Workspace } from '../../scripts/bench/workspace.ts';
import { prepareLoops } from '../../scripts/fleet/loops.ts';
import { Device, type DeviceOptions } from './device.ts';
import { openPackages, type Package, type Packages, writePackage } from './packages.ts';
import { Voice } from './voice.ts';

const LINE = 'brackets-1';
const FILMS = resolve(import.meta.dirname, '../../node_modules/.cache/system-loops');

export type Ground = {
  /** On disk, for images. */
  readonly folder: string;
  readonly workspace: Workspace;
  readonly packages: Packages;
  readonly factory: Package;
  readonly factoryFolder: string;
  openVoice(): Promise<Voice>;
  /** Starts an agent; `name` keeps the files of different devices apart. */
  start(name: string, options: StartOptions): Device;
};

export type StartOptions = Pick<DeviceOptions, 'dataDir' | 'voice' | 'env'> & { readonly factory?: string };

export async function openGround(workspace: Workspace): Promise<Ground> {
  const loops = await workspace.hold(prepareLoops([LINE], FILMS, () => {}));
  const packages = openPackages();
  const factory = packages.make('1.8.2');
  const factoryFolder = writePackage(factory, join(workspace.folder, 'factory'));
  let started = 0;
  return {
    folder: workspace.folder,
    workspace,
    packages,
    factory,
    factoryFolder,
    openVoice: async () => {
      const voice = await new Voice().open();
      voice.publish(factory);
      workspace.defer(() => voice.close());
      return voice;
    },
    start: (name, options) => {
      started += 1;
      const folder = join(workspace.ringFolder, name);
      mkdirSync(join(folder, 'rings'), { recursive: true });
      const device = new Device({ factory: factoryFolder, loop: loops.get(LINE) ?? '', folder, ...options }, started);
      workspace.defer(() => device.kill());
      return device;
    },
  };
}
