// Pictures of every page over a staged fleet: both themes, a plant PC's screen and a phone, so that people can look at them.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openPeopleStage } from '../test/browser/people.ts';
import { openTour } from '../test/browser/tour.ts';

const USAGE = 'npm run screenshots -- --to FOLDER [--only fleet,rollout]';
const SIZES = { desk: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } } as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { to: { type: 'string' }, only: { type: 'string' } } });
  if (values.to === undefined) throw new Error(`say where the pictures go: ${USAGE}`);
  const folder = path.resolve(values.to);
  await mkdir(folder, { recursive: true });
  const count = await takeAll(folder, values.only?.split(','));
  if (count === 0) throw new Error(`no page has one of the names "${values.only}"`);
  process.stdout.write(`${count} pictures in ${folder}\n`);
}

async function takeAll(folder: string, only: readonly string[] | undefined): Promise<number> {
  const stage = await openPeopleStage();
  let count = 0;
  try {
    const tour = await openTour(stage);
    for (const [device, size] of Object.entries(SIZES)) {
      const look = { colorScheme: 'light', size, ...(only === undefined ? {} : { only }) } as const;
      await tour.visit(look, async (page, { name }) => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.screenshot({ path: path.join(folder, `${name}-${device}-${colorScheme}.png`), fullPage: true });
          count += 1;
        }
      });
    }
  } finally {
    await stage.close();
  }
  return count;
}

if (import.meta.main) await main();
