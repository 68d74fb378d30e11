// `npm run dev`: the demo's fleet on fixed ports; programs restart when their source changes. Ctrl-C ends it.
import { watch } from 'node:fs';
import path from 'node:path';
import { describeError } from '../shared/basics/errors.ts';
import { openNarrator } from './demo/narrator.ts';
import { setStage } from './demo/stage.ts';
import type { Fleet } from './fleet/fleet.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const HTTP_PORT = 7420;
const MQTT_PORT = 7421;
/** Editors save several files at once: wait until it is quiet. */
const QUIET_MS = 300;

type Side = 'agent' | 'control-plane';

const narrator = openNarrator(process.stdout, () => performance.now());

async function restart(fleet: Fleet, sides: ReadonlySet<Side>): Promise<void> {
  narrator.say(`source changed: restarting ${[...sides].join(' and ')}`, 'cyan');
  if (sides.has('control-plane')) await fleet.restartControlPlane();
  if (!sides.has('agent')) return;
  await Promise.all(fleet.agents.map((agent) => agent.program.stop()));
  for (const agent of fleet.agents) fleet.restartAgent(agent.device);
}

/** Calls back with the sides whose source changed, one restart at a time; shared concerns both. */
function watchSources(onChange: (sides: ReadonlySet<Side>) => Promise<void>): void {
  let changed = new Set<Side>();
  let timer: NodeJS.Timeout | undefined;
  let busy: Promise<void> = Promise.resolve();
  const flush = (): void => {
    const sides = changed;
    changed = new Set();
    busy = busy
      .then(() => onChange(sides))
      .catch((error: unknown) => narrator.say(`restart failed: ${describeError(error)}`, 'red'));
  };
  for (const [folder, sides] of [
    ['agent', ['agent']],
    ['control-plane', ['control-plane']],
    ['shared', ['agent', 'control-plane']],
  ] as const) {
    watch(path.join(ROOT, folder), { recursive: true }, (_event, file) => {
      if (!file?.endsWith('.ts') || file.includes('node_modules')) return;
      for (const side of sides) changed.add(side);
      clearTimeout(timer);
      timer = setTimeout(flush, QUIET_MS);
    });
  }
}

const fleet = await setStage(
  { folder: path.join(ROOT, '.demo', 'dev'), httpPort: HTTP_PORT, mqttPort: MQTT_PORT },
  narrator,
);
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => void fleet.stop().then(() => process.exit(code)));
}
watchSources((sides) => restart(fleet, sides));
narrator.say(
  `the fleet is up at ${fleet.api.url}; edit agent/, control-plane/ or shared/ and it restarts. Ctrl-C ends it.`,
  'green',
);
