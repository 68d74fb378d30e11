// `belay incident …`: list, get, annotate, export. An incident is opened by a decision; people add what they know.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import { type Incident, incidentListSchema, incidentSchema } from '../../../shared/protocol/api-incidents.ts';
import { CommandError } from '../api-client.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addLimit, type LimitOption, tellMore } from '../limit.ts';
import type { Output } from '../output.ts';
import { pageOf } from '../page.ts';
import { addAction, argument } from '../program.ts';
import { formatAge, renderTable, shortRelease } from '../render/table.ts';

/** Of the timeline of `get`; `export` has all of it. */
const TIMELINE_SHOWN = 12;

export function addIncidentCommands(program: Command): void {
  const incident = program
    .command('incident')
    .description('incidents: what happened when a rollout was held, killed, rolled back or ended, with its evidence');
  addList(incident);
  addGet(incident);
  addAnnotate(incident);
  addExport(incident);
}

function addList(incident: Command): void {
  const command = incident
    .command('list')
    .description('every incident, newest first')
    .option('--rollout <id>', 'only of this rollout');
  type Options = LimitOption & { rollout?: string };
  addAction<Options>(addLimit(command), async ({ api, output }, _args, { rollout, limit }) => {
    const list = await api.ask(endpoint('GET /v1/incidents', { rollout, limit }), incidentListSchema);
    output.show(list, () => {
      if (list.incidents.length === 0) return 'No incidents.';
      const rows = list.incidents.map((item) => [
        item.id,
        item.kind,
        item.closedAtMs === null ? 'open' : 'closed',
        shortRelease(item.candidate.release),
        formatAge(item.openedAtMs, Date.now()),
        item.rollForward === null ? '–' : 'yes',
        item.title,
      ]);
      return renderTable(
        ['INCIDENT', 'KIND', 'STATE', 'CANDIDATE', 'OPENED', 'PLAN', 'WHY'].map((title) => ({ title })),
        rows,
      );
    });
    tellMore(output, list);
    return undefined;
  });
}

function addGet(incident: Command): void {
  const command = incident
    .command('get')
    .argument('<id>', 'of the incident, or of its rollout')
    .description('one incident: why, what became of the devices, how it goes on');
  addAction(command, async ({ api, output }, args) => {
    const found = await api.ask(endpoint('GET /v1/incidents/:id', { id: argument(args, 0) }), incidentSchema);
    const page = pageOf(api.url, { kind: 'incident', id: found.id });
    output.show(found, () => `${renderIncident(found, output)}\n\n  page: ${page}`);
    return undefined;
  });
}

type NoteOptions = ChangeOptions & { note?: string; rollForward?: string };

function addAnnotate(incident: Command): void {
  const command = incident
    .command('annotate')
    .argument('<id>', 'of the incident, or of its rollout')
    .description('add what you know; notes are kept for good')
    .option('--note <text>', 'a note')
    .option('--roll-forward <text>', 'how it goes on from here');
  addAction<NoteOptions>(addChangeOptions(command, null), async ({ api, output, actor }, args, options) => {
    const { note, rollForward } = options;
    if (note === undefined && rollForward === undefined)
      throw new CommandError(EXIT.usage, 'say something: --note "…", --roll-forward "…" or both');
    const body = {
      actor,
      ...(note === undefined ? {} : { text: note }),
      ...(rollForward === undefined ? {} : { rollForward }),
    };
    const request = { ...endpoint('POST /v1/incidents/:id/annotate', { id: argument(args, 0) }), body };
    const what = `add to incident ${argument(args, 0)}`;
    if (!(await isWanted(output, options, { what, request, asking: 'never' }))) return undefined;
    const found = await api.ask(request, incidentSchema, body);
    output.show(found, () => renderIncident(found, output));
    return undefined;
  });
}

function addExport(incident: Command): void {
  const command = incident
    .command('export')
    .argument('<id>', 'of the incident, or of its rollout')
    .description('the whole note on stdout')
    .option('--format <md|json>', 'Markdown or JSON', 'md');
  addAction<{ format: string; json?: boolean }>(command, async ({ api }, args, { format, json }) => {
    const wanted = json ? 'json' : format;
    if (wanted !== 'md' && wanted !== 'json') throw new CommandError(EXIT.usage, `--format ${wanted}: md or json`);
    process.stdout.write(
      await api.getText(endpoint('GET /v1/incidents/:id/export', { id: argument(args, 0), format: wanted })),
    );
    return undefined;
  });
}

function renderIncident(found: Incident, output: Pick<Output, 'tint'>): string {
  const touched = found.devices.filter(({ role }) => role !== 'none');
  const skipped = Math.max(0, found.timeline.length - TIMELINE_SHOWN);
  const { rollForward } = found;
  return [
    `${output.tint('bold', found.id)}  ${found.kind}  ${found.closedAtMs === null ? 'open' : 'closed'}`,
    `  ${found.title}`,
    `  rollout ${found.rolloutName} (${found.rolloutId}), ${found.candidate.release}, stage ${found.stage}`,
    `  ${found.verification?.sentence ?? (found.state === 'rolling_back' ? 'not verified yet' : 'nothing was rolled back')}`,
    `  roll forward: ${rollForward === null ? `none yet (belay incident annotate ${found.id} --roll-forward "…")` : `${rollForward.text} (${rollForward.actor})`}`,
    '',
    ...(skipped === 0 ? [] : [`  … ${skipped} entries before; all of them: belay incident export ${found.id}`]),
    ...found.timeline
      .slice(skipped)
      .map(({ atMs, actor, text }) => `  ${new Date(atMs).toISOString().slice(11, 19)}  ${actor}: ${text}`),
    '',
    ...touched.map((device) => `  ${device.site}/${device.device}: ${device.outcome}`),
  ].join('\n');
}
