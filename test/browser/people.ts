// A stage for several people: a control plane where everybody signs in, a browser with a profile for each, and devices that obey.
import type { BrowserContext, Page } from 'playwright-core';
import type { ConfigInput } from '../../control-plane/config.ts';
import { buildDashboard } from '../../scripts/build-dashboard.ts';
import type { DeviceCredentials } from '../../shared/protocol/api-devices.ts';
import type { Role } from '../../shared/protocol/api-identity.ts';
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import { tinyPackage } from '../builders/tiny-package.ts';
import { LightDevice } from '../control-plane/crash/light-device.ts';
import { openPlaneBench, type PlaneBench } from '../control-plane/open-plane.ts';
import { openBrowser } from './chromium.ts';
import { givePictures } from './give-pictures.ts';

export type PeopleStage = {
  readonly bench: PlaneBench;
  /** Everything that pages threw or the console told. */
  readonly errors: string[];
  /** Registers the next version; with `latencyMs` each of its frames takes that long. */
  release(version: string, latencyMs?: number): Promise<ReleaseRef>;
  /** Devices of that site, which answer with the release and obey from now on. */
  fleet(site: string, names: readonly string[], committed: ReleaseRef): Promise<readonly LightDevice[]>;
  /** An account with that role everywhere, and a profile of its own where nobody has signed in yet. */
  account(name: string, role: Role): Promise<BrowserContext>;
  /** Whether devices of that site give pictures. */
  setPolicy(site: string, pictures: 'on' | 'off'): Promise<{ readonly status: number }>;
  /** Opens an address in that profile; where nobody has signed in, the sign-in page comes first and is filled in. */
  open(profile: BrowserContext, address: string, name: string): Promise<Page>;
  close(): Promise<void>;
};

export const PASSWORD = 'correct horse battery';
const WINDOW_MS = 400;
const SOUND_MS = 20;

export async function openPeopleStage(config: Partial<ConfigInput> = {}): Promise<PeopleStage> {
  await buildDashboard(() => {});
  await using undo = new AsyncDisposableStack();
  const own: Partial<ConfigInput> = { signIn: 'required', tickMs: 150, ...config };
  const bench = undo.adopt(await openPlaneBench(own), (opened) => opened.close());
  const browser = undo.adopt(await openBrowser(), (opened) => opened.close());
  const devices = undo.adopt([] as LightDevice[], async (all) => {
    for (const device of all) await device.close();
  });
  const errors: string[] = [];
  const latencies = new Map<string, number>();
  const everything = undo.move();
  return {
    bench,
    errors,
    release: async (version, latencyMs = SOUND_MS) => {
      const release = await bench.register(tinyPackage({ version }));
      latencies.set(release.digest, latencyMs);
      return release;
    },
    fleet: async (site, names, committed) => {
      const latencyMsOf = (digest: string): number => latencies.get(digest) ?? SOUND_MS;
      const watch = { onDesired: ignore, onKill: ignore, onReportTaken: ignore, isBad: () => false, latencyMsOf };
      const pictures = await givePictures();
      for (const name of names) {
        const { body } = await bench.post(`/v1/devices/${site}/${name}/credentials`, {});
        const credentials = body as unknown as DeviceCredentials;
        const seeing = { ...watch, onAsk: pictures };
        const options = { credentials, hardwareClass: 'orin-nx', committed, windowMs: WINDOW_MS, watch: seeing };
        devices.push(await LightDevice.open(options));
      }
      return devices.slice(-names.length);
    },
    account: async (name, role) => {
      const grants = [{ role, sites: '*' }];
      const made = await bench.post('/v1/accounts', { name, password: PASSWORD, grants, reason: 'works here' });
      if (made.status !== 201) throw new Error(`no account for ${name}: ${JSON.stringify(made.body)}`);
      return browser.newContext({ viewport: { width: 1280, height: 720 }, colorScheme: 'dark' });
    },
    setPolicy: (site, pictures) => bench.put(`/v1/sites/${site}/policy`, { pictures, reason: 'review' }),
    open: async (profile, address, name) => {
      const page = await profile.newPage();
      page.setDefaultTimeout(15_000);
      page.on('pageerror', (error) => errors.push(`${name}, ${address}: ${error.message}`));
      await page.goto(`${bench.plane.httpUrl}${address}`);
      await page.locator('h1').first().waitFor();
      if (new URL(page.url()).pathname === '/sign-in') await signIn(page, name);
      return page;
    },
    close: () => everything.disposeAsync(),
  };
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name, exact: true }).waitFor();
}

function ignore(): void {
  // What the devices are told is seen on the pages.
}
