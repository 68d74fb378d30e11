// `belay cohort …`: what the fleet is made of, and who would get a candidate. Cohorts come from the rollout file; nothing is moved by hand.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type DeviceDocument, deviceListSchema } from '../../../shared/protocol/api-devices.ts';
import { rolloutPlanSchema } from '../../../shared/protocol/api-rollouts.ts';
import type { Plan } from '../../../shared/rollout/plan.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument } from '../program.ts';
import { countDevices, renderTable, shortRelease } from '../render/table.ts';
import { renderDevices } from './device.ts';
import { readText } from './rollout-source.ts';

const HELP = `
A cohort is the devices of one factory and one hardware class: a rollout takes its share of each, so that no stage
is all of one kind. The same file gives the same devices, always.

Examples
  belay cohort list
  belay cohort get plant-a/orin-nx
  belay cohort preview --rollout detector-2.yaml      who would get it in each stage, per factory`;
/** The control plane gives up after 50 s of computing. */
const PLAN_TIMEOUT_MS = 75_000;

export function addCohortCommands(program: Command): void {
  const cohort = program
    .command('cohort')
    .description('who would get a candidate, and what the fleet is made of')
    .addHelpText('after', HELP);
  addList(cohort);
  addGet(cohort);
  addPreview(cohort);
}

export type Cohort = {
  readonly site: string;
  readonly hardwareClass: string;
  readonly devices: number;
  readonly online: number;
  readonly onTrial: number;
  /** Releases that answer there, most common first. */
  readonly serving: readonly string[];
};

export function cohortsOf(devices: readonly DeviceDocument[]): readonly Cohort[] {
  const groups = Map.groupBy(devices, ({ site, hardwareClass }) => `${site}/${hardwareClass ?? 'unknown'}`);
  return [...groups.values()].map((members) => ({
    site: members[0]?.site ?? '',
    hardwareClass: members[0]?.hardwareClass ?? 'unknown',
    devices: members.length,
    online: members.filter(({ online }) => online).length,
    onTrial: members.filter(({ reported }) => reported?.candidate != null).length,
    serving: servingOf(members),
  }));
}

function servingOf(members: readonly DeviceDocument[]): readonly string[] {
  const releases = members.flatMap(({ reported }) => reported?.serving?.release ?? []);
  const counts = Map.groupBy(releases, (release) => release);
  return [...counts].sort(([, a], [, b]) => b.length - a.length).map(([release]) => release);
}

function addList(cohort: Command): void {
  const command = cohort.command('list').description('devices by factory and hardware class');
  addAction(command, async ({ api, output }) => {
    const cohorts = cohortsOf((await api.ask(endpoint('GET /v1/devices'), deviceListSchema)).devices);
    output.show({ cohorts }, () => {
      if (cohorts.length === 0) return 'No devices yet. Next: belay device credentials SITE/DEVICE';
      const rows = cohorts.map((each) => [
        `${each.site}/${each.hardwareClass}`,
        ...[each.devices, each.online, each.onTrial].map(String),
        each.serving.map(shortRelease).join(', ') || '–',
      ]);
      return renderTable(
        [
          { title: 'COHORT' },
          ...['DEVICES', 'ONLINE', 'ON TRIAL'].map((title) => ({ title, align: 'right' as const })),
          { title: 'ANSWERS WITH' },
        ],
        rows,
      );
    });
    return undefined;
  });
}

function addGet(cohort: Command): void {
  const command = cohort.command('get').argument('<site/hardware>').description('its devices');
  addAction(command, async ({ api, output }, args) => {
    const wanted = argument(args, 0);
    const { devices } = await api.ask(endpoint('GET /v1/devices'), deviceListSchema);
    const members = devices.filter(({ site, hardwareClass }) => `${site}/${hardwareClass ?? 'unknown'}` === wanted);
    if (members.length === 0)
      throw new CommandError(EXIT.notFound, `no device is of ${wanted}.\nNext: belay cohort list`);
    output.show({ devices: members }, () => renderDevices(members, Date.now(), output));
    return undefined;
  });
}

function addPreview(cohort: Command): void {
  const command = cohort
    .command('preview')
    .description('who would get the candidate of a rollout file in each stage, per factory; starts nothing')
    .requiredOption('--rollout <file>', 'a rollout file; "-" is stdin');
  addAction<{ rollout: string }>(command, async ({ api, output }, _args, { rollout }) => {
    const file = await readText(rollout);
    const { plan, problems } = await api.ask(
      endpoint('POST /v1/rollouts/plan'),
      rolloutPlanSchema,
      { file },
      PLAN_TIMEOUT_MS,
    );
    if (plan === null) {
      const lines = problems.map(({ line, column, message }) => `${rollout}:${line}:${column} ${message}`);
      throw new CommandError(EXIT.usage, `the file has mistakes:\n${lines.join('\n')}`, problems);
    }
    const { candidate, stages, excluded } = plan;
    output.show({ candidate, stages, excluded }, () => renderPreview(plan));
    return undefined;
  });
}

export function renderPreview({ candidate, stages, devices, excluded }: Plan): string {
  const rows = stages.flatMap((stage) =>
    stage.sites.map((each) => [
      stage.name,
      each.site,
      `${each.devices.length} of ${each.eligible}`,
      hardwareOf(devices, each.site, each.devices),
      each.devices.join(' '),
    ]),
  );
  const left = excluded.map(({ site, device, why }) => `  ${site}/${device}: ${why}`);
  return [
    `${candidate.release}: who has it in each stage`,
    renderTable(
      ['STAGE', 'FACTORY', 'DEVICES', 'HARDWARE', 'WHO'].map((title) => ({ title })),
      rows,
    ),
    ...(left.length === 0 ? [] : [`${countDevices(left.length)} left out`, ...left]),
  ].join('\n');
}

function hardwareOf(devices: Plan['devices'], site: string, names: readonly string[]): string {
  const classes = devices.filter((each) => each.site === site && names.includes(each.device));
  const counts = Map.groupBy(classes, ({ hardwareClass }) => hardwareClass);
  return [...counts].map(([name, members]) => `${name} ${members.length}`).join(', ') || '–';
}
