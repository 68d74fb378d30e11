// Where the text of a rollout comes from: a file that a person wrote, or a release and a preset. Reads; sends nothing.
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { describeError } from '../../../shared/basics/errors.ts';
import { parseReleaseReference } from '../../../shared/release/identity.ts';
import {
  defaultRolloutName,
  describePresets,
  PRESETS,
  type Preset,
  presetText,
} from '../../../shared/rollout/presets.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

/** As the argument of a command that takes both. */
export const SOURCE = 'a rollout file, or with --preset a release';
export const PRESETS_HELP = `\nPresets\n${describePresets().replaceAll(/^/gm, '  ')}\n`;

export type PresetOptions = {
  readonly preset?: Preset;
  readonly name?: string;
  readonly owner?: string;
  readonly backup?: string;
};

export type RolloutSource = {
  /** As it is named in messages: the file, or the preset. */
  readonly title: string;
  readonly text: string;
};

/** `--preset`, `--name`, `--owner` and `--backup`. */
export function addPresetOptions(command: Command): Command {
  return command
    .addOption(new Option('--preset <name>', 'make the file from a preset').choices(PRESETS))
    .option('--name <name>', 'with --preset: name of the rollout (default from the release)')
    .option('--owner <role>', 'with --preset: who owns it')
    .option('--backup <role>', 'with --preset: who stands in');
}

/** The argument is a file, or with --preset a release. Throws CommandError. */
export async function readSource(source: string, options: PresetOptions): Promise<RolloutSource> {
  const { preset, owner, backup } = options;
  if (preset !== undefined) {
    if (owner === undefined || backup === undefined)
      throw new CommandError(EXIT.usage, `--preset ${preset}: who owns it? Give --owner and --backup`);
    const text = expandPreset(source, { ...options, preset });
    refuseMistakes(preset, text);
    return { title: `preset ${preset}`, text };
  }
  if (options.name !== undefined || owner !== undefined || backup !== undefined)
    throw new CommandError(EXIT.usage, '--name, --owner and --backup go with --preset; a file says them itself');
  return { title: source, text: await readText(source) };
}

/** Owners that are not given stay empty: `rollout lint` names them. */
export function expandPreset(candidate: string, options: PresetOptions & { readonly preset: Preset }): string {
  const name = options.name ?? defaultRolloutName(candidate);
  if (name === null) throw new CommandError(EXIT.usage, `"${candidate}" is not a release such as "cv-detector:2.0.0"`);
  const { preset, owner = '', backup = '' } = options;
  return presetText({ preset, candidate, name, owner, backup });
}

function refuseMistakes(preset: Preset, text: string): void {
  const read = readRolloutFile(text);
  if (read.ok) return;
  const lines = read.problems.map(({ path, message }) => `${path}: ${message}`);
  throw new CommandError(EXIT.usage, `--preset ${preset}: ${lines.join('; ')}`, read.problems);
}

/** `-` is stdin. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (error) {
    const hint =
      parseReleaseReference(file) === null ? '' : '; to start a release without a file, add --preset standard';
    throw new CommandError(EXIT.usage, `cannot read ${file}: ${describeError(error)}${hint}`);
  }
}
