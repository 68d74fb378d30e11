// Every page with something on it: a fleet that runs, a rollout under way and one that went back by itself, an incident, a kill.
// For whoever looks at all of them: the accessibility test, and the pictures.
import type { LightDevice } from '../control-plane/crash/light-device.ts';
import type { PeopleStage } from './people.ts';
import { quickRollout } from './quick-rollout.ts';

export type StagedPage = {
  readonly name: string;
  readonly address: string;
  readonly javaScript: boolean;
  readonly signedIn: boolean;
};

const WAIT_MS = 40_000;
const LOOK_EVERY_MS = 100;

/** Throws when it does not come about in time. */
async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endAtMs = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > endAtMs) throw new Error(`never seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

export async function stageEveryPage(stage: PeopleStage): Promise<readonly StagedPage[]> {
  const { bench } = stage;
  const committed = await stage.release('1.0.0');
  const devices: LightDevice[] = [
    ...(await stage.fleet('plant-a', ['cam-1', 'cam-2', 'cam-3'], committed)),
    ...(await stage.fleet('plant-b', ['cam-4', 'cam-5', 'cam-6'], committed)),
  ];
  await until('a first document at every device', () => devices.every(({ generation }) => generation > 0));
  const bad = await start(stage, 'slow', await stage.release('1.1.0', 240));
  await until('a rollback', async () => (await bench.get(`/v1/rollouts/${bad}`)).body.state === 'rolled_back');
  const good = await start(stage, 'climb', await stage.release('1.2.0'));
  await until('a judged guardrail', async () => {
    const { guardrails } = (await bench.get(`/v1/rollouts/${good}`)).body as { guardrails: unknown[] };
    return guardrails.length > 0;
  });
  const kill = await bench.post('/v1/kills', {
    scope: { kind: 'device', site: 'plant-b', device: 'cam-6' },
    reason: 'smoke',
  });
  const incidents = (await bench.get('/v1/incidents')).body.incidents as readonly { id: string }[];
  return pagesOf({
    good,
    bad,
    kill: String(kill.body.id),
    incident: incidents[0]?.id ?? '',
    release: committed.release,
  });
}

async function start({ bench }: PeopleStage, name: string, candidate: { release: string }): Promise<string> {
  const file = quickRollout(name, candidate, [
    { name: 'half', percent: 50, bake: '10m', extend: '2x5m', promote: 'approval', approvals: 1 },
    { name: 'full', percent: 100, bake: '10m', extend: '2x5m', promote: 'auto' },
  ]);
  const { status, body } = await bench.post('/v1/rollouts', { file, reason: 'fewer false alarms' });
  if (status !== 201) throw new Error(`${name} was not started: ${JSON.stringify(body)}`);
  return String(body.id);
}

type Staged = {
  readonly good: string;
  readonly bad: string;
  readonly kill: string;
  readonly incident: string;
  readonly release: string;
};

function pagesOf({ good, bad, kill, incident, release }: Staged): readonly StagedPage[] {
  const page = (name: string, address: string, more: Partial<StagedPage> = {}): StagedPage => {
    return { name, address, javaScript: true, signedIn: true, ...more };
  };
  return [
    page('fleet', '/'),
    page('fleet-list', '/?view=list'),
    page('fleet-kiosk', '/?kiosk=1'),
    page('device', '/devices/plant-a/cam-1'),
    page('rollouts', '/rollouts'),
    page('rollout', `/rollouts/${good}`),
    page('rollout-rolled-back', `/rollouts/${bad}`),
    page('kill', '/kill?scope=site%3Aplant-a'),
    page('kill-progress', `/kill/${kill}`),
    page('models', '/models'),
    page('model', `/models/${encodeURIComponent(release)}`),
    page('incidents', '/incidents'),
    page('incident', `/incidents/${incident}`),
    page('audit', '/audit'),
    ...['you', 'tokens', 'people', 'sites', 'webhooks'].map((section) =>
      page(`settings-${section}`, `/settings?section=${section}`),
    ),
    page('not-found', '/rollouts/x/y/z'),
    page('sign-in', '/sign-in', { signedIn: false }),
    page('kill-without-javascript', '/kill', { javaScript: false }),
    page('kill-progress-without-javascript', `/kill/${kill}`, { javaScript: false }),
  ];
}
