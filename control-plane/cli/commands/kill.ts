// `belay kill` and `belay rearm`: one action, then the measured effect. Never asks: going back must be the easier path.
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { deviceListSchema } from '../../../shared/protocol/api-devices.ts';
import {
  type KillResult,
  type KillScopeInput,
  killListSchema,
  killSchema,
} from '../../../shared/protocol/api-kills.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { pageOf } from '../page.ts';
import { addAction, argument, readSeconds, type Session } from '../program.ts';
import { countDevices, formatAge, formatMs, renderTable } from '../render/table.ts';
import { readDeviceReference } from './device-path.ts';
import { describeScope } from './status.ts';

const POLL_MS = 200;
/** Online devices that have not acknowledged by then are named as stragglers. */
const ACK_DEADLINE_S = 20;

const KILL_HELP = `
Examples
  belay kill --all --reason "false alarms on every line"
  belay kill --rollout first-rollout --reason "…"        one candidate, also where it is committed
  belay kill --site plant-a --reason "…" --dry-run       whom it would reach
It never asks, and needs no --yes: going back is the easier path. Sent first, recorded after; the answer is measured.`;

type KillOptions = ChangeOptions & {
  all?: boolean;
  site?: string;
  device?: string;
  rollout?: string;
  release?: string;
  reason: string;
  wait: boolean;
  timeout: string;
};

export function addKillCommands(program: Command): void {
  const kill = program
    .command('kill')
    .description('take everything on trial in a scope off, now; stays in force until rearmed')
    .option('--all', 'the whole fleet')
    .option('--site <site>', 'one site')
    .option('--device <site/device>', 'one device')
    .option('--rollout <id>', 'the candidate of one rollout, also where it is committed')
    .option('--release <reference>', 'one release, also where it is committed')
    .option('--timeout <seconds>', 'name those that have not acknowledged by then (exit 7)', String(ACK_DEADLINE_S))
    .option('--no-wait', 'do not wait for the acknowledgements')
    .addHelpText('after', KILL_HELP);
  addChangeOptions(kill, 'why: it stands in the audit and on every device');
  addAction<KillOptions>(kill, async (session, _args, options) => raiseKill(session, options));

  addRearm(program);
  const list = program.command('kills').description('every kill, newest first');
  addAction(list, async ({ api, output }) => {
    const { kills } = await api.ask(endpoint('GET /v1/kills'), killListSchema);
    output.show({ kills }, () => {
      const rows = kills.map((item) => [
        item.id,
        describeScope(item.scope),
        item.active ? output.tint('bad', 'in force') : 'over',
        formatAge(item.raisedAtMs, Date.now()),
        item.actor,
        item.reason,
      ]);
      return kills.length === 0
        ? 'No kill was ever raised.'
        : renderTable(
            ['KILL', 'SCOPE', 'STATE', 'RAISED', 'BY', 'REASON'].map((title) => ({ title })),
            rows,
          );
    });
    return undefined;
  });
}

function addRearm(program: Command): void {
  const rearm = program.command('rearm').argument('<kill id>').description('end a kill');
  type Options = ChangeOptions & { reason: string };
  addAction<Options>(addChangeOptions(rearm, 'why it is safe again'), async (session, args, options) => {
    const { api, output, actor } = session;
    const id = argument(args, 0);
    const request = { ...endpoint('POST /v1/kills/:id/rearm', { id }), body: { reason: options.reason, actor } };
    const reach = async () => {
      const { scope, sent, raisedAtMs, reason } = await api.ask(endpoint('GET /v1/kills/:id', { id }), killSchema);
      return [`${describeScope(scope)}: ${countDevices(sent)}, killed ${formatAge(raisedAtMs, Date.now())}: ${reason}`];
    };
    const change = {
      what: `end the kill ${id}: what it forbids may run again`,
      reach,
      request,
      asking: 'always',
    } as const;
    if (!(await isWanted(output, options, change))) return undefined;
    const killed = await api.ask(request, killSchema, request.body);
    output.show(
      killed,
      () => `kill ${killed.id} is over. What it stopped stays stopped until a rollout serves it again.`,
    );
    return undefined;
  });
}

type ScopeOptions = Pick<KillOptions, 'all' | 'site' | 'device' | 'rollout' | 'release'>;

export function scopeOf(options: ScopeOptions): KillScopeInput {
  const scopes: KillScopeInput[] = [];
  if (options.all) scopes.push({ kind: 'fleet' });
  if (options.site !== undefined) scopes.push({ kind: 'site', site: options.site });
  if (options.rollout !== undefined) scopes.push({ kind: 'rollout', rolloutId: options.rollout });
  if (options.release !== undefined) scopes.push({ kind: 'release', release: options.release });
  if (options.device !== undefined) scopes.push({ kind: 'device', ...readDeviceReference(options.device) });
  const [scope] = scopes;
  if (scope === undefined || scopes.length > 1)
    throw new CommandError(
      EXIT.usage,
      'say whom the kill reaches: exactly one of --all, --site, --device, --rollout, --release',
    );
  return scope;
}

async function raiseKill(session: Session, options: KillOptions): Promise<ExitCode> {
  const { api, output, actor } = session;
  const seconds = readSeconds(options.timeout);
  const request = {
    ...endpoint('POST /v1/kills'),
    body: { scope: scopeOf(options), reason: options.reason, actor },
  };
  const what = `kill everything on trial on ${describeInput(request.body.scope)}`;
  const reach = () => tellReach(session, request.body.scope);
  if (!(await isWanted(output, options, { what, reach, request, asking: 'never' }))) return EXIT.ok;
  let kill = await api.ask(request, killSchema, request.body);
  output.note(
    `kill ${kill.id} is in force on ${describeScope(kill.scope)}: ${countDevices(kill.sent)}, ${kill.offline.length} of them offline (they obey before their first frame)`,
  );
  if (kill.leavesAlone) output.note(kill.leavesAlone);
  const deadlineMs = performance.now() + seconds * 1000;
  while (options.wait && kill.stragglers.length > 0 && performance.now() < deadlineMs) {
    await wait(POLL_MS);
    kill = await api.ask(endpoint('GET /v1/kills/:id', { id: kill.id }), killSchema);
  }
  output.show(kill, () => `${renderKill(kill, output)}\nPage: ${pageOf(api.url, { kind: 'kill' })}`);
  return options.wait && kill.stragglers.length > 0 ? EXIT.timeout : EXIT.ok;
}

function describeInput(scope: KillScopeInput): string {
  return describeScope({ ...scope });
}

async function tellReach({ api }: Session, scope: KillScopeInput): Promise<readonly string[]> {
  const { devices } = await api.ask(endpoint('GET /v1/devices'), deviceListSchema);
  const reached = devices.filter(
    ({ site, device }) =>
      (scope.kind !== 'site' && scope.kind !== 'device') ||
      (site === scope.site && (scope.kind === 'site' || device === scope.device)),
  );
  const offline = reached.filter(({ online }) => !online).length;
  const trial = reached.filter(({ reported }) => reported?.candidate != null).length;
  return [
    `told: ${countDevices(reached.length)}, ${offline} of them offline (they obey before their first frame)`,
    `${countDevices(trial)} there hold a candidate now`,
  ];
}

export function renderKill(kill: KillResult, output: Pick<Output, 'tint'>): string {
  const times = `p50 ${formatMs(kill.p50Ms)}, p99 ${formatMs(kill.p99Ms)}, slowest ${formatMs(kill.maxMs)}`;
  const lines = [
    ...(kill.sent === 0 ? ['no device is known there; one that appears obeys before its first frame'] : []),
    ...(kill.sent === 0
      ? []
      : [
          `${kill.acknowledged} of ${countDevices(kill.sent)} answered a frame with a release that is allowed`,
          ...(kill.maxMs === null ? [] : [`acknowledged after ${times}`]),
          `${kill.reverted} of them were answering with what was killed`,
        ]),
    ...kill.stragglers.map((device) =>
      output.tint(
        'bad',
        `no answer yet: ${device.site}/${device.device}. Next: belay device explain ${device.site}/${device.device}`,
      ),
    ),
    ...kill.offline.map((device) => output.tint('warn', `offline: ${device.site}/${device.device}`)),
    `It stays in force until: belay rearm ${kill.id} --reason "…"`,
  ];
  return lines.join('\n');
}
