// `belay rollout report`, `rollout export` and `belay release report`: what was shown, where, and how sure it is.
import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { type Address, endpoint } from '../../../shared/protocol/address.ts';
import { releaseSchema } from '../../../shared/protocol/api-releases.ts';
import { archiveSchema, REPORT_FORMATS, type ReportFormat } from '../../../shared/protocol/api-reports.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { addAction, argument, type Session } from '../program.ts';

export function addRolloutArchive(rollout: Command): void {
  const command = rollout
    .command('archive')
    .argument('<id>')
    .description('what its file asked to keep when it ended (after.archive), as JSON');
  addAction(command, async ({ api, output }, args) => {
    const kept = await api.ask(endpoint('GET /v1/rollouts/:id/archive', { id: argument(args, 0) }), archiveSchema);
    output.show(kept, () => (kept.archives.length === 0 ? 'Nothing was kept.' : JSON.stringify(kept, null, 2)));
    return undefined;
  });
}

type ReportOptions = { format: string; json?: boolean };

export function addRolloutReport(rollout: Command): void {
  const command = rollout
    .command('report')
    .argument('<id>')
    .description('what it has shown: guardrails by site and hardware, timeline, incidents')
    .option('--format <md|html|json>', 'html is one file that needs nothing else', 'md');
  addAction<ReportOptions>(command, async (session, args, options) => {
    const id = argument(args, 0);
    await printReport(session, (format) => endpoint('GET /v1/rollouts/:id/report', { id, format }), options);
    return undefined;
  });
}

export function addRolloutExport(rollout: Command): void {
  const command = rollout
    .command('export')
    .argument('<id>')
    .description('its report into a file; the ending says how: .html, .md or .json')
    .requiredOption('-o, --out <file>', 'such as report.html')
    .addHelpText(
      'after',
      '\nExample\n  belay rollout export first-rollout -o report.html    one file that needs nothing else',
    );
  addAction<{ out: string }>(command, async ({ api, output }, args, { out }) => {
    const format = extname(out).slice(1);
    if (!isFormat(format))
      throw new CommandError(EXIT.usage, `--out ${out}: give it one of the endings .html, .md, .json`);
    const text = await api.getText(endpoint('GET /v1/rollouts/:id/report', { id: argument(args, 0), format }));
    await writeFile(out, text).catch((error: unknown) => {
      throw new CommandError(EXIT.failed, `cannot write ${out}: ${describeError(error)}`);
    });
    output.show({ file: out, format, bytes: Buffer.byteLength(text) }, () => `${out} is written`);
    return undefined;
  });
}

export function addReleaseReport(release: Command): void {
  const command = release
    .command('report')
    .argument('<reference>')
    .description('what all its rollouts have shown, and its changelog')
    .option('--format <md|html|json>', 'html is one file that needs nothing else', 'md');
  addAction<ReportOptions>(command, async (session, args, options) => {
    // A reference has signs that a path has not; the digest is what it means.
    const named = { reference: argument(args, 0) };
    const { digest } = await session.api.ask(endpoint('POST /v1/releases/lookup'), releaseSchema, named);
    const reportAt = (format: ReportFormat) =>
      endpoint('GET /v1/releases/:reference/report', { reference: digest, format });
    await printReport(session, reportAt, options);
    return undefined;
  });
}

type ReportAt = (format: ReportFormat) => Address;

async function printReport({ api }: Session, reportAt: ReportAt, { format, json }: ReportOptions): Promise<void> {
  const wanted = json ? 'json' : format;
  if (!isFormat(wanted)) throw new CommandError(EXIT.usage, `--format ${wanted}: ${REPORT_FORMATS.join(', ')}`);
  const text = await api.getText(reportAt(wanted));
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

function isFormat(text: string): text is ReportFormat {
  return REPORT_FORMATS.some((known) => known === text);
}
