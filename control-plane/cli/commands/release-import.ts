// `belay release import` (from an MLflow registry) and `belay release init` (from a folder): a package folder whose manifest holds
// everything that is known already, and a list of what is not. Nothing is registered.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { canonicalJson } from '../../../shared/basics/canonical-json.ts';
import { describeError } from '../../../shared/basics/errors.ts';
import type { Manifest } from '../../../shared/release/manifest.ts';
import { readOnnxFile } from '../../../shared/release/onnx-file.ts';
import { CommandError } from '../api-client.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { type Draft, type DraftSources, draftManifest } from '../import/draft.ts';
import { type MlflowModel, openMlflowModel, readMlflowSource } from '../import/mlflow.ts';
import type { Output } from '../output.ts';
import { addOfflineAction, argument } from '../program.ts';

type Facts = Pick<DraftSources, 'tags' | 'scores' | 'origin' | 'createdAtMs'>;
type Options = { to?: string; base?: string } & Record<string, string | undefined>;

const FLAGS: readonly (readonly [name: string, words: string])[] = [
  ['name', 'of the model'],
  ['number', 'of the release: MAJOR.MINOR.PATCH'],
  ['owner', 'who answers for it'],
  ['changelog', 'what is new, in a line'],
  ['task', 'detection, segmentation, classification or ocr'],
  ['code-commit', 'of the training code'],
  ['data-tag', 'of the training data'],
  ['data-sha256', 'of the training data'],
  ['train-config-sha256', 'of the training configuration (MLflow: of the parameters of the run)'],
  ['parent', 'version that it was trained from'],
  ['metrics-set', 'name of the set that the scores were taken on'],
  ['metrics-count', 'objects in that set'],
];

export function addReleaseImport(release: Command): void {
  const fromMlflow = release
    .command('import')
    .argument('<source>', 'mlflow://HOST:PORT/MODEL/VERSION (mlflow+https://…); VERSION: a number, latest, or @alias')
    .description('copy a version of an MLflow registry, with where it comes from, into a package folder')
    .option('--to <folder>', 'where (default: MODEL-VERSION)')
    .addHelpText('after', '\nA token for MLflow is taken from MLFLOW_TRACKING_TOKEN.');
  addOfflineAction<Options>(withFlags(fromMlflow), async (output, args, options) => {
    const source = readMlflowSource(argument(args, 0));
    if (source === null)
      throw new CommandError(EXIT.usage, `"${argument(args, 0)}" is not mlflow://HOST:PORT/MODEL/VERSION`);
    const model = await openMlflowModel(source, process.env.MLFLOW_TRACKING_TOKEN);
    const folder = options.to ?? `${nameOf(model.version.name)}-${model.version.version}`;
    await copyFiles(model, folder, output);
    return writeDraft({ folder, facts: factsOf(model, source.server), options, output });
  });
  const fromFolder = release
    .command('init')
    .argument('<folder>', 'with one .onnx file, and golden/ and README.md where there are such')
    .description('write manifest.json from what the model file says about itself and from flags');
  addOfflineAction<Options>(withFlags(fromFolder), async (output, args, options) => {
    const facts = { tags: {}, scores: {}, origin: { kind: 'folder' }, createdAtMs: Date.now() };
    return writeDraft({ folder: argument(args, 0), facts, options, output });
  });
}

function withFlags(command: Command): Command {
  for (const [name, words] of FLAGS) command.option(`--${name} <text>`, words);
  return command.option(
    '--base <manifest>',
    'manifest.json of the version before: used where nothing else says anything',
  );
}

/** Only plain names become files here. */
const PLAIN = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const WANTED = /(?:\.onnx|^README\.md|^golden\/.+|^manifest\.json)$/;

async function copyFiles(model: MlflowModel, folder: string, output: Output): Promise<void> {
  const wanted = model.files.filter((file) => WANTED.test(file) && PLAIN.test(file));
  if (!wanted.some((file) => file.endsWith('.onnx'))) {
    const text = `${model.version.name} ${model.version.version} has no .onnx file (it has: ${model.files.join(', ')})`;
    throw new CommandError(EXIT.failed, `${text}. Export it to ONNX, log that, and import again.`);
  }
  for (const file of wanted) {
    const bytes = await model.download(file);
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), bytes);
    output.note(`copied ${file} (${Math.ceil(bytes.byteLength / 1024)} KB)`);
  }
}

function factsOf({ version, run }: MlflowModel, server: string): Facts {
  const tags = { ...run?.tags, ...version.tags };
  const commit = tags['mlflow.source.git.commit'];
  const params = run?.params ?? {};
  const hasParams = Object.keys(params).length > 0;
  const config = createHash('sha256').update(canonicalJson(params)).digest('hex');
  const said = {
    'belay.name': nameOf(version.name),
    ...(version.user_id ? { 'belay.owner': version.user_id } : {}),
    ...(version.description ? { 'belay.changelog': version.description } : {}),
    ...(commit === undefined ? {} : { 'belay.code-commit': commit }),
    ...(hasParams ? { 'belay.train-config-sha256': config } : {}),
  };
  const scores = Object.fromEntries((run?.metrics ?? []).map(({ key, value }) => [key, value]));
  const { name, version: number, run_id: runId, aliases } = version;
  const origin = { kind: 'mlflow', server, model: name, version: number, runId, aliases, tags, metrics: scores };
  return { tags: { ...said, ...tags }, scores, origin, createdAtMs: version.creation_timestamp };
}

/** A registered model may be called anything; a release may not. */
function nameOf(model: string): string {
  return model
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

type Work = { readonly folder: string; readonly facts: Facts; readonly options: Options; readonly output: Output };

async function writeDraft({ folder, facts, options, output }: Work): Promise<ExitCode> {
  const files = await readFiles(folder);
  const models = files.filter(({ path: name }) => name.endsWith('.onnx'));
  const [model] = models;
  if (model === undefined || models.length > 1)
    throw new CommandError(EXIT.usage, `${folder} has ${models.length} .onnx files; a release has one`);
  const base = await readBase(options.base ?? path.join(folder, 'manifest.json'), options.base !== undefined);
  const flags = Object.fromEntries(FLAGS.map(([name]) => [name, options[camel(name)]]));
  const file = readOnnxFile(model.bytes);
  const listed = files.map(({ path: name, bytes }): Manifest['files'][number] => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { path: name, role: name === model.path ? 'model' : 'golden', sha256, bytes: bytes.byteLength };
  });
  const draft = draftManifest({ ...facts, flags, model: file, files: listed, base });
  await writeFile(path.join(folder, 'manifest.json'), `${JSON.stringify(draft.manifest, null, 2)}\n`);
  output.show({ folder, ...draft }, () => renderDraft(folder, draft));
  return draft.missing.length === 0 ? EXIT.ok : EXIT.failed;
}

function renderDraft(folder: string, { manifest, missing }: Draft): string {
  const head = `${path.join(folder, 'manifest.json')}: ${String(manifest.name ?? 'a model')} ${String(manifest.version ?? '')}`;
  if (missing.length === 0) return `${head}, complete\nNext: belay release check ${folder}`;
  const lines = missing.map(({ path: at, message, from }) => `  ${at} ${message}; from ${from}`);
  return [`${head}, not complete yet:`, ...lines, 'Next: the same command with these flags, or edit the file'].join(
    '\n',
  );
}

type PackageFile = { readonly path: string; readonly bytes: Buffer };

async function readFiles(folder: string): Promise<readonly PackageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new CommandError(EXIT.usage, `cannot read ${folder}: ${describeError(error)}`);
  });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .filter((name) => name.endsWith('.onnx') || name.startsWith('golden/'));
  return Promise.all(
    names.sort().map(async (name) => ({ path: name, bytes: await readFile(path.join(folder, name)) })),
  );
}

async function readBase(file: string, isAsked: boolean): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (!isAsked) return {}; // none was left by an earlier attempt
    throw new CommandError(EXIT.usage, `cannot read ${file}: ${describeError(error)}`);
  }
}

function camel(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
