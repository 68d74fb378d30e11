// What a browser test stands on: a control plane with its built dashboard, devices that are played over real MQTT, and Chromium.
import type { Page } from 'playwright-core';
import type { ConfigInput } from '../../control-plane/config.ts';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import { openPlaneBench, type PlaneBench } from '../control-plane/open-plane.ts';
import { freePort } from '../free-port.ts';
import { type ChromiumOptions, openChromium } from './chromium.ts';
import { type PlayedDevice, type PlayedOptions, playDevice } from './played-device.ts';

export type Stage = {
  readonly bench: PlaneBench;
  readonly url: string;
  /** Connects a device that sends windows until it is closed. */
  play(options: PlayedOptions): Promise<PlayedDevice>;
  /** A page at an address of the dashboard, in one profile with the others. Errors of its scripts are kept. */
  open(address: string, options?: OpenOptions): Promise<Page>;
  /** Ends the control plane, does that, and starts it again on the same folder and port. */
  pauseServer(meanwhile: () => Promise<void>): Promise<void>;
  /** Errors that scripts of any page threw, or that the console told: there should be none. */
  readonly errors: readonly string[];
  close(): Promise<void>;
};

export type OpenOptions = {
  /** Globals that this page's browser shall not have. */
  readonly lacks?: readonly string[];
  /** Hears the path of whatever the page asks for. */
  readonly onRequest?: (path: string) => void;
};

export type StageOptions = { readonly config?: Partial<ConfigInput>; readonly browser?: ChromiumOptions };

export async function openStage({ config = {}, browser = {} }: StageOptions = {}): Promise<Stage> {
  await buildDashboard(() => {});
  await using undo = new AsyncDisposableStack();
  // Kept over a restart, so that pages and devices come back.
  const ports = { http: { port: await freePort() }, mqtt: { port: await freePort() } };
  const bench = undo.adopt(await openPlaneBench({ ...ports, ...config }), (opened) => opened.close());
  const chromium = undo.adopt(await openChromium(browser), (opened) => opened.close());
  const errors: string[] = [];
  const played = undo.adopt([] as PlayedDevice[], async (devices) => {
    for (const device of devices) await device.close();
  });
  const everything = undo.move();
  return {
    bench,
    get url() {
      return bench.plane.httpUrl;
    },
    errors,
    play: async (options) => {
      const device = await playDevice(bench, options);
      played.push(device);
      return device;
    },
    open: async (address, { lacks = [], onRequest } = {}) => {
      const page = await chromium.context.newPage();
      await page.addInitScript((names) => {
        for (const name of names) Reflect.deleteProperty(globalThis, name);
      }, lacks);
      page.on('request', (request) => onRequest?.(new URL(request.url()).pathname));
      page.on('pageerror', (error) => errors.push(`${address}: ${error.message}`));
      page.on('console', (message) => message.type() === 'error' && errors.push(`${address}: ${message.text()}`));
      await page.goto(`${bench.plane.httpUrl}${address}`);
      return page;
    },
    pauseServer: async (meanwhile) => {
      await bench.plane.close();
      await meanwhile();
      await bench.restart();
    },
    close: () => everything.disposeAsync(),
  };
}
