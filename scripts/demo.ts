// `npm run demo`: three factories of real agents on this machine, and the story of four rollouts. `--once` ends by itself.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { renderTable } from '../control-plane/cli/render/table.ts';
import { describeError } from '../shared/basics/errors.ts';
import { ACTS, type Outcome } from './demo/acts.ts';
import { openNarrator } from './demo/narrator.ts';
import { letItRun, setStage, tellHowToSignIn } from './demo/stage.ts';
import type { Fleet } from './fleet/fleet.ts';

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    folder: { type: 'string', default: path.resolve(import.meta.dirname, '../.demo') },
    'http-port': { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
});

const narrator = openNarrator(process.stdout, () => performance.now());
let fleet: Fleet | null = null;
let stopping = false;

async function stop(exitCode: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    narrator.say('stopping every process …', 'dim');
    await fleet?.stop();
  }
  process.exit(exitCode);
}

async function play(stage: Fleet): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { title, needsPast, play: playAct } of ACTS) {
    narrator.heading(title);
    if (needsPast) await letItRun(narrator);
    const startedAtMs = performance.now();
    const outcome = await playAct(stage, narrator);
    outcomes.push({ ...outcome, seconds: (performance.now() - startedAtMs) / 1000 });
  }
  return outcomes;
}

function tell(outcomes: readonly Outcome[]): void {
  narrator.heading('What happened');
  const rows = outcomes.map((outcome) => [
    outcome.act,
    outcome.ok ? narrator.tint('green', 'as told') : narrator.tint('red', 'NOT AS TOLD'),
    `${outcome.seconds.toFixed(0)} s`,
    outcome.seen,
  ]);
  process.stdout.write(
    `${renderTable(
      ['ACT', 'ENDED', 'TOOK', 'SEEN'].map((title) => ({ title })),
      rows,
    )}\n`,
  );
}

async function run(): Promise<void> {
  if (values.help) {
    process.stdout.write(
      'npm run demo [-- --once] [-- --http-port PORT]\nRuns a small fleet and tells its story; --once ends by itself, exit 0 only if every act ended as told.\n',
    );
    return;
  }
  process.on('SIGINT', () => void stop(130));
  process.on('SIGTERM', () => void stop(143));
  narrator.heading('Belay: three factories on this machine');
  fleet = await setStage({ folder: values.folder, httpPort: Number(values['http-port']) }, narrator);
  const outcomes = await play(fleet);
  tell(outcomes);
  const ok = outcomes.every((outcome) => outcome.ok);
  if (values.once) await stop(ok ? 0 : 1);
  narrator.heading('The fleet stays up until Ctrl-C. Look around');
  await tellHowToSignIn(fleet, narrator);
  process.stdout.write('\nFrom another terminal:\n');
  const environment = `BELAY_URL=${fleet.api.url} BELAY_TOKEN=${fleet.signedIn?.token ?? ''}`;
  for (const command of ['status', 'device list', 'rollout list', 'kills', 'device explain plant-a/cam-a1']) {
    process.stdout.write(`  ${environment} npm run -s belay -- ${command}\n`);
  }
}

run().catch(async (error: unknown) => {
  narrator.say(`the demo cannot go on: ${describeError(error)}`, 'red');
  await stop(1);
});
