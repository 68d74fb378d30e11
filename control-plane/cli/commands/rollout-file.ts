// `belay rollout init, lint, schema, import`: the rollout file as a language, without a control plane.
import { type Command, Option } from 'commander';
import { type ImportNote, importShortForm } from '../../../shared/rollout/import-short-form.ts';
import { rolloutFileSchemaText } from '../../../shared/rollout/json-schema.ts';
import { type LintReport, lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { describePresets, PRESETS, type Preset } from '../../../shared/rollout/presets.ts';
import { formatFileProblem } from '../../../shared/rollout/read-rollout-file.ts';
import { CommandError } from '../api-client.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { addOfflineAction, argument } from '../program.ts';
import { expandPreset, readText } from './rollout-source.ts';

export function addRolloutFileCommands(rollout: Command): void {
  addInit(rollout);
  addLint(rollout);
  addSchema(rollout);
  addImport(rollout);
}

function addInit(rollout: Command): void {
  const command = rollout
    .command('init')
    .argument('<release>')
    .description('print a rollout file made from a preset, with comments, to save and edit')
    .addOption(new Option('--preset <name>', 'how careful it is').choices(PRESETS).default('standard'))
    .option('--name <name>', 'name of the rollout (default from the release)')
    .option('--owner <role>', 'who owns it (left open when not given)')
    .option('--backup <role>', 'who stands in (left open when not given)')
    .addHelpText('after', `\nPresets\n${indent(describePresets())}\n\nNext: belay rollout lint FILE`);
  type Options = { preset: Preset; name?: string; owner?: string; backup?: string };
  addOfflineAction<Options>(command, async (output, args, options) => {
    const file = expandPreset(argument(args, 0), options);
    output.show({ file }, () => file.trimEnd());
    return undefined;
  });
}

function addLint(rollout: Command): void {
  const command = rollout
    .command('lint')
    .argument('<files...>')
    .description(
      'all mistakes of rollout files, with line and column, and warnings; "-" is stdin; exit 2 with mistakes',
    )
    .option('--devices <number>', 'devices of the smallest site: warns of steps that it cannot show')
    .option('--strict', 'warnings are failures too (exit 1)');
  addOfflineAction<{ devices?: string; strict?: boolean }>(command, async (output, files, { devices, strict }) => {
    const devicesPerSite = devices === undefined ? null : readDevices(devices);
    const texts = await Promise.all(files.map(readText));
    const reports = files.map((file, at) => ({ file, ...lintRolloutFile(texts[at] ?? '', devicesPerSite) }));
    output.show({ files: reports }, () => reports.flatMap((report) => renderLint(report, output)).join('\n'));
    return lintExitCode(reports, strict === true);
  });
}

function lintExitCode(reports: readonly LintReport[], isStrict: boolean): ExitCode {
  if (reports.some(({ problems }) => problems.length > 0)) return EXIT.usage;
  return isStrict && reports.some(({ warnings }) => warnings.length > 0) ? EXIT.failed : EXIT.ok;
}

function renderLint({ file, problems, warnings }: LintReport & { file: string }, output: Output): readonly string[] {
  if (problems.length + warnings.length === 0) return [`${file}: ${output.tint('good', 'no mistakes')}`];
  return [
    ...problems.map((problem) => `${output.tint('bad', 'mistake')}  ${formatFileProblem(file, problem)}`),
    ...warnings.map((warning) => `${output.tint('warn', 'warning')}  ${formatFileProblem(file, warning)}`),
  ];
}

function readDevices(text: string): number {
  const devices = Number(text);
  if (!Number.isInteger(devices) || devices < 1)
    throw new CommandError(EXIT.usage, `--devices ${text}: give a whole number from 1`);
  return devices;
}

function addSchema(rollout: Command): void {
  const command = rollout
    .command('schema')
    .description('print the JSON Schema of the rollout file, for completion and checks in editors');
  addOfflineAction(command, async (output) => {
    const text = rolloutFileSchemaText();
    output.show(JSON.parse(text), () => text.trimEnd());
    return undefined;
  });
}

function addImport(rollout: Command): void {
  const command = rollout
    .command('import')
    .argument('<file>')
    .description(
      'print a rollout file made from the short form (service, versions, rollout_stages, metrics_guardrails); what became of each field is said on stderr; exit 1 while something must be filled in',
    )
    .option('--name <name>', 'name of the rollout')
    .option('--owner <role>', 'who owns it')
    .option('--backup <role>', 'who stands in')
    .option('--strict', 'exit 1 also when a field could not be translated');
  type Options = { name?: string; owner?: string; backup?: string; strict?: boolean };
  addOfflineAction<Options>(command, async (output, args, { strict, ...options }) => {
    const file = argument(args, 0);
    const imported = importShortForm(await readText(file), options);
    if (!imported.ok) throw new CommandError(EXIT.usage, `${file}: ${imported.reason}`);
    const { text, notes } = imported;
    const { problems } = lintRolloutFile(text);
    output.show({ file: text, notes, problems }, () => text.trimEnd());
    if (!output.json)
      for (const line of [...notes.map(renderNote), ...problems.map((each) => `fill in ${each.path}: ${each.message}`)])
        output.note(line);
    const isLossy = notes.some(({ to }) => to === null);
    return problems.length > 0 || (strict === true && isLossy) ? EXIT.failed : EXIT.ok;
  });
}

function renderNote({ field, to, reason }: ImportNote): string {
  if (to === null) return `${field}: not translated: ${reason}`;
  return `${field === '' ? '(added)' : field} → ${to}${reason === '' ? '' : `  (${reason})`}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
