// Goes through every page of a staged control plane, one after the other, as somebody who may do everything.
import type { Page } from 'playwright-core';
import type { PeopleStage } from './people.ts';
import { type StagedPage, stageEveryPage } from './staged-pages.ts';

export type Look = {
  readonly colorScheme: 'light' | 'dark';
  readonly size?: { readonly width: number; readonly height: number };
  /** Pages without JavaScript are shown with scripts that do not arrive: whoever looks may run their own. */
  readonly mayRunScripts?: boolean;
  /** Names of pages; absent: all. */
  readonly only?: readonly string[];
};

export type Tour = {
  readonly pages: readonly StagedPage[];
  /** Each page once it has come to rest. */
  visit(look: Look, see: (page: Page, staged: StagedPage) => Promise<void>): Promise<void>;
};

const GUIDE = 'shift-lead';

export async function openTour(stage: PeopleStage): Promise<Tour> {
  const pages = await stageEveryPage(stage);
  const profile = await stage.account(GUIDE, 'admin');
  const first = await stage.open(profile, '/', GUIDE);
  await first.close();
  const signedIn = await profile.storageState();
  return {
    pages,
    visit: async ({ colorScheme, size = { width: 1280, height: 720 }, mayRunScripts = false, only }, see) => {
      const browser = profile.browser();
      if (browser === null) throw new Error('the browser has gone');
      const chosen = pages.filter(({ name }) => only?.includes(name) ?? true);
      // One page for all that ask for the same: what is loaded once stays loaded.
      const alike = Map.groupBy(chosen, ({ javaScript, signedIn: isSignedIn }) => `${javaScript} ${isSignedIn}`);
      for (const group of alike.values()) {
        const state = group[0]?.signedIn ? { storageState: signedIn } : {};
        const withoutScripts = group[0]?.javaScript === false;
        const context = await browser.newContext({
          colorScheme,
          viewport: size,
          javaScriptEnabled: !withoutScripts || mayRunScripts,
          ...state,
        });
        if (withoutScripts) await context.route(/\.js$/, (route) => route.abort());
        const page = await context.newPage();
        for (const staged of group) {
          await page.emulateMedia({ colorScheme });
          await arrive(page, stage.bench.plane.httpUrl, staged);
          await see(page, staged);
        }
        await context.close();
      }
    },
  };
}

async function arrive(page: Page, url: string, { address, javaScript, signedIn }: StagedPage): Promise<void> {
  await page.goto(`${url}${address}`, { waitUntil: 'load' });
  await page.locator('main h1').first().waitFor();
  if (javaScript && signedIn) await comeToRest(page);
}

/** Whatever the page reads first has been read. */
async function comeToRest(page: Page): Promise<void> {
  await page.waitForFunction("!document.querySelector('main').textContent.includes('Reading')");
  await page.waitForFunction("document.querySelector('.clock .fresh')?.textContent === 'live'");
}
