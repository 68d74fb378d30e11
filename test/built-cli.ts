// Before tests that run `belay`: the command line is built once when a source of it is newer. Tests start the built one by the
// hundred, in half the time of the sources.
import { buildCli, isCliBuilt } from '../scripts/build-cli.ts';

export async function setup(): Promise<void> {
  if (!isCliBuilt()) await buildCli();
}
