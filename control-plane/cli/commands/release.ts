// `belay release …`: add, check, list, get. A release is a folder with manifest.json and the files that it names.
import type { Command } from 'commander';
import { endpoint } from '../../../shared/protocol/address.ts';
import {
  type CheckReport,
  checkReportSchema,
  type Finding,
  registeredSchema,
  releaseListSchema,
  releaseSchema,
} from '../../../shared/protocol/api-releases.ts';
import type { ModelCard } from '../../../shared/release/model-card.ts';
import { addChangeOptions, type ChangeOptions, isWanted } from '../change.ts';
import { EXIT } from '../exit-codes.ts';
import { addLimit, type LimitOption, tellMore } from '../limit.ts';
import { readCard, uploadPackage } from '../package-upload.ts';
import { pageOf } from '../page.ts';
import { addAction, argument } from '../program.ts';
import { formatAge, renderTable } from '../render/table.ts';
import { addReleaseDiff } from './release-diff.ts';
import { addReleaseImport } from './release-import.ts';
import { addReleaseStates } from './release-state.ts';
import { addReleaseReport } from './report.ts';

export function addReleaseCommands(program: Command): void {
  const release = program.command('release').description('releases: immutable model versions with their manifest');
  addAdd(release);
  addCheck(release);
  addList(release);
  addGet(release);
  addReleaseDiff(release);
  addReleaseReport(release);
  addReleaseImport(release);
  addReleaseStates(release);
}

function addAdd(release: Command): void {
  const command = release
    .command('add')
    .argument('<folder>')
    .description('upload the files of a release and register it');
  addAction<ChangeOptions>(addChangeOptions(command, null), async (session, args, options) => {
    const folder = argument(args, 0);
    const request = endpoint('POST /v1/releases');
    const what = `upload and register what lies in ${folder} (belay release check ${folder} looks at it first)`;
    if (!(await isWanted(session.output, options, { what, request, asking: 'never' }))) return undefined;
    const uploaded = await uploadPackage(session.api, folder, session.output.note);
    const answer = await session.api.ask(request, registeredSchema, {
      manifest: uploaded,
      ...(await readCard(folder)),
      actor: session.actor,
    });
    session.output.show(answer, () => {
      const { id, digest } = answer.release;
      return `${answer.created ? 'registered' : 'already registered:'} ${id}\n  digest ${digest}\n${renderReport(answer.report)}`;
    });
    return undefined;
  });
}

function addCheck(release: Command): void {
  const command = release
    .command('check')
    .argument('<folder>')
    .description('everything that registering would look at, without registering; exit 1 when it would be refused');
  addAction(command, async (session, args) => {
    const manifest = await uploadPackage(session.api, argument(args, 0), session.output.note);
    const body = { manifest, ...(await readCard(argument(args, 0))), actor: session.actor };
    const report = await session.api.ask(endpoint('POST /v1/releases/check'), checkReportSchema, body);
    session.output.show(report, () => renderReport(report));
    return report.ok ? EXIT.ok : EXIT.failed;
  });
}

function addList(release: Command): void {
  const command = release
    .command('list')
    .description('every release, newest first')
    .option('--name <name>', 'only this model');
  type Options = LimitOption & { name?: string };
  addAction<Options>(addLimit(command), async ({ api, output }, _args, { name, limit }) => {
    const list = await api.ask(endpoint('GET /v1/releases', { name, limit }), releaseListSchema);
    output.show(list, () => {
      if (list.releases.length === 0) return 'No releases yet. Next: belay release add FOLDER';
      const rows = list.releases.map((item) => [
        item.id,
        item.task,
        item.state,
        item.owner,
        formatAge(item.registeredAtMs, Date.now()),
        item.digest.slice(0, 12),
      ]);
      return renderTable(
        ['RELEASE', 'TASK', 'STATE', 'OWNER', 'REGISTERED', 'DIGEST'].map((title) => ({ title })),
        rows,
      );
    });
    tellMore(output, list);
    return undefined;
  });
}

function addGet(release: Command): void {
  const command = release
    .command('get')
    .argument('<reference>')
    .description('one release: manifest, metrics, and what became of it');
  addAction(command, async ({ api, output }, args) => {
    const found = await api.ask(endpoint('POST /v1/releases/lookup'), releaseSchema, { reference: argument(args, 0) });
    output.show(found, () => {
      const notes = found.notes.map((note) => `  ${new Date(note.atMs).toISOString()}  ${note.actor}: ${note.text}`);
      const page = pageOf(api.url, { kind: 'release', id: found.id });
      return [
        `${found.id}  ${found.state}`,
        `  digest ${found.digest}`,
        `  page   ${page}`,
        `  ${found.changelog}`,
        ...renderCard(found.card),
        ...notes,
      ].join('\n');
    });
    return undefined;
  });
}

/** What people ask first; the whole text is in --json. */
function renderCard(card: ModelCard | null): readonly string[] {
  if (card === null) return [];
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['licence', card.license],
    ['data sets', card.datasets],
    ['based on', card.baseModels],
    ['results', card.results.map(({ dataset, metric, value }) => `${metric} ${value} on ${dataset}`)],
  ];
  const told = facts.filter(([, values]) => values.length > 0);
  return [`  model card`, ...told.map(([name, values]) => `    ${name}: ${values.join(', ')}`)];
}

function renderReport(report: CheckReport): string {
  return report.findings.map((finding) => `  ${finding.ok ? 'ok  ' : 'FAIL'}  ${tellFinding(finding)}`).join('\n');
}

/** The path only where it says more than the name of the check. */
function tellFinding({ check, path, message }: Finding): string {
  return `${check}${path === '' || path === check ? '' : ` ${path}`}: ${message}`;
}
