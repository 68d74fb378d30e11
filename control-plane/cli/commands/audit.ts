// `belay audit …`: who did what, whether the record is whole, and all of it for keeping.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { endpoint } from '../../../shared/protocol/address.ts';
import { auditCheckSchema, auditListSchema } from '../../../shared/protocol/api-status.ts';
import { actorText } from '../../../shared/protocol/audit-words.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addAction } from '../program.ts';
import { readMoment } from './moment.ts';

const HELP = `
Examples
  belay audit list --subject rollout/ro-7q2
  belay audit list --by lead --from 24h
  belay audit verify --anchor 1204:9f3c…     exit 1 when the record is broken, or when it is not the one of the anchor
  belay audit export -o audit.ndjson         the last line names its head: keep it elsewhere, it is the next anchor`;

export function addAuditCommands(program: Command): void {
  const audit = program
    .command('audit')
    .description('who did what, and whether that record is whole')
    .addHelpText('after', HELP);
  addList(audit);
  addVerify(audit);
  addExport(audit);
}

type ListOptions = { limit: string; by?: string; action?: string; subject?: string; from?: string; to?: string };

function addList(audit: Command): void {
  const command = audit
    .command('list')
    .description('decisions and actions, newest first')
    .option('--limit <number>', 'how many', '50')
    .option('--by <name>', 'only by this person, token or device')
    .option('--action <name>', 'only this kind of action')
    .option('--subject <path>', 'only this, and what is below it: rollout/ro-7q2, device/plant-a')
    .option('--from <time>', 'such as 2026-03-01T06:00Z, or 24h (ago)')
    .option('--to <time>', 'the end; default: now');
  addAction<ListOptions>(command, async ({ api, output }, _args, { limit, by, from, to, ...rest }) => {
    const values = {
      limit,
      actor: by,
      action: rest.action,
      subject: rest.subject,
      fromMs: from && readMoment('--from', from),
      toMs: to && readMoment('--to', to),
    };
    const list = await api.ask(endpoint('GET /v1/audit', values), auditListSchema);
    output.show(list, () => {
      if (list.rows.length === 0) return 'Nothing of that kind is on record.';
      return list.rows.map((row) => renderRow(row, output)).join('\n');
    });
    return undefined;
  });
}

type Row = { readonly seq: number; readonly atMs: number; readonly actor: string; readonly action: string } & {
  readonly subject: string;
  readonly reason: string;
  readonly details?: unknown;
};

function renderRow(row: Row, output: Pick<Output, 'tint'>): string {
  const { seq, atMs, action, subject, reason } = row;
  const at = new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
  return `${output.tint('dim', `${seq}  ${at}Z`)}  ${actorText(row)}  ${output.tint('bold', action)} ${subject}${reason === '' ? '' : `: ${reason}`}`;
}

function addVerify(audit: Command): void {
  const command = audit
    .command('verify')
    .description('whether every row still carries the hash of the one before; exit 1 when it is broken')
    .option('--anchor <seq:hash>', 'a head that was kept elsewhere: the record must still contain it');
  addAction<{ anchor?: string }>(command, async ({ api, output }, _args, { anchor }) => {
    const values = anchor === undefined ? {} : readAnchor(anchor);
    const check = await api.ask(endpoint('GET /v1/audit/verify', values), auditCheckSchema);
    const { kind } = check;
    output.show(check, () =>
      kind === 'intact'
        ? [
            output.tint(
              'good',
              `The audit is whole: ${check.rows} rows${anchor === undefined ? '' : ', and it contains the anchor'}.`,
            ),
            `Head ${check.rows}:${check.head}`,
            'Keep the head elsewhere: with --anchor it also shows that nothing was cut off and written anew.',
          ].join('\n')
        : `${output.tint('bad', `The audit is BROKEN at row ${check.seq}: ${check.reason}`)}\nNext: keep the database as it is, and compare with the last export`,
    );
    return kind === 'intact' ? EXIT.ok : EXIT.failed;
  });
}

function readAnchor(text: string): { anchorSeq: string; anchorHash: string } {
  const [, anchorSeq, anchorHash] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (anchorSeq === undefined || anchorHash === undefined)
    throw new CommandError(EXIT.usage, `--anchor ${text}: give SEQ:HASH, as belay audit verify or export printed it`);
  return { anchorSeq, anchorHash };
}

function addExport(audit: Command): void {
  const command = audit
    .command('export')
    .description('every row, oldest first, one JSON object a line; the last line is the head')
    .option('-o, --out <file>', 'into this file (default: stdout)');
  addAction<{ out?: string }>(command, async ({ api, output }, _args, { out }) => {
    const text = await api.getText(endpoint('GET /v1/audit/export'));
    if (out === undefined) {
      process.stdout.write(text);
      return undefined;
    }
    await writeFile(out, text).catch((error: unknown) => {
      throw new CommandError(EXIT.failed, `cannot write ${out}: ${describeError(error)}`);
    });
    const rows = text.trimEnd().split('\n').length - 1;
    output.show({ file: out, rows }, () => `${out}: ${rows} rows`);
    return undefined;
  });
}
