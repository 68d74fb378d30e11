// Reads one model version from an MLflow tracking server over its REST API: what it says, and its files. Nothing is written there,
// and nothing of it is needed afterwards.
import { z } from 'zod';
import { describeError } from '../../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../../shared/basics/parsing.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

export type MlflowSource = { readonly server: string; readonly model: string; readonly version: string };

const pairs = z
  .array(z.looseObject({ key: z.string(), value: z.string() }))
  .default([])
  .transform((items) => Object.fromEntries(items.map(({ key, value }) => [key, value])));

const versionSchema = z.looseObject({
  name: z.string(),
  version: z.coerce.string(),
  creation_timestamp: z.coerce.number().default(0),
  user_id: z.string().optional(),
  description: z.string().optional(),
  run_id: z.string().default(''),
  aliases: z.array(z.string()).default([]),
  tags: pairs,
});
const oneVersionSchema = z.looseObject({ model_version: versionSchema });
const versionsSchema = z.looseObject({ model_versions: z.array(versionSchema).default([]) });
const uriSchema = z.looseObject({ artifact_uri: z.string() });
const runSchema = z.looseObject({
  run: z.looseObject({
    data: z.looseObject({
      metrics: z.array(z.looseObject({ key: z.string(), value: z.number() })).default([]),
      params: pairs,
      tags: pairs,
    }),
  }),
});
const fileListSchema = z.looseObject({
  files: z.array(z.looseObject({ path: z.string(), is_dir: z.boolean().default(false) })).default([]),
});

export type MlflowVersion = z.infer<typeof versionSchema>;
export type MlflowRun = z.infer<typeof runSchema>['run']['data'];
export type MlflowModel = {
  readonly version: MlflowVersion;
  readonly run: MlflowRun | null;
  /** Paths below the folder of the model. */
  readonly files: readonly string[];
  download(path: string): Promise<Uint8Array>;
};

const TIMEOUT_MS = 60_000;
const FILES_MAX = 200;
const API = 'api/2.0/mlflow';

/** `mlflow://HOST:5000/MODEL/VERSION` (http) or `mlflow+https://…`; VERSION is a number, `latest`, or `@alias`. */
export function readMlflowSource(text: string): MlflowSource | null {
  const found = /^mlflow(\+https)?:\/\/([^/\s@]+)\/([^/]+)\/(\d+|latest|@[\w.-]+)$/.exec(text);
  if (found === null) return null;
  const [, secure, host = '', model = '', version = ''] = found;
  return { server: `${secure ? 'https' : 'http'}://${host}/`, model: decodeURIComponent(model), version };
}

export async function openMlflowModel(source: MlflowSource, token: string | undefined): Promise<MlflowModel> {
  const get = async (path: string, query: Readonly<Record<string, string>>): Promise<Response> => {
    const url = new URL(`${path}?${new URLSearchParams(query)}`, source.server);
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
      throw new CommandError(EXIT.unreachable, `cannot reach MLflow at ${source.server}: ${describeError(error)}`);
    });
    if (response.ok) return response;
    const said = (await response.text()).slice(0, 300);
    throw new CommandError(EXIT.failed, `MLflow answered ${response.status} to ${url.pathname}: ${said}`);
  };
  const read = async <T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>): Promise<T> => {
    const parsed = parseJson(schema, await (await get(`${API}/${path}`, query)).text());
    if (parsed.ok) return parsed.value;
    throw new CommandError(
      EXIT.failed,
      `MLflow's answer to ${path} is not understood: ${describeProblems(parsed.problems)}`,
    );
  };
  const version = await findVersion(source, read);
  const named = { name: version.name, version: version.version };
  const { artifact_uri: uri } = await read('model-versions/get-download-uri', named, uriSchema);
  const run = version.run_id === '' ? null : (await read('runs/get', { run_id: version.run_id }, runSchema)).run.data;
  const store = storeOf(uri, version);
  const files = await listFiles(async (folder) => {
    const answer = await (await get(store.list(folder).path, store.list(folder).query)).text();
    const parsed = parseJson(fileListSchema, answer);
    return parsed.ok ? parsed.value.files.map((file) => ({ ...file, path: store.below(file.path, folder) })) : [];
  });
  const download = async (path: string) => {
    const { path: at, query } = store.file(path);
    return new Uint8Array(await (await get(at, query)).arrayBuffer());
  };
  return { version, run, files, download };
}

type Read = <T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>) => Promise<T>;

async function findVersion({ model, version }: MlflowSource, read: Read): Promise<MlflowVersion> {
  if (version.startsWith('@'))
    return (await read('registered-models/alias', { name: model, alias: version.slice(1) }, oneVersionSchema))
      .model_version;
  if (version !== 'latest')
    return (await read('model-versions/get', { name: model, version }, oneVersionSchema)).model_version;
  const query = { filter: `name='${model.replaceAll("'", "\\'")}'`, order_by: 'version_number DESC', max_results: '1' };
  const [newest] = (await read('model-versions/search', query, versionsSchema)).model_versions;
  if (newest === undefined) throw new CommandError(EXIT.notFound, `MLflow has no version of ${model}`);
  return newest;
}

type Asked = { readonly path: string; readonly query: Readonly<Record<string, string>> };
type Store = {
  list(folder: string): Asked;
  file(path: string): Asked;
  /** A listed path, as seen from the folder of the model. */
  below(listed: string, folder: string): string;
};

/** Files come through the tracking server: as its own artifacts, or as those of the run. Other stores are not asked. */
function storeOf(uri: string, { run_id, name }: MlflowVersion): Store {
  const proxied = /^mlflow-artifacts:\/+(?:[^/]+:\d+\/)?(.+?)\/?$/.exec(uri)?.[1];
  const join = (root: string, path: string) => [root, path].filter((part) => part !== '').join('/');
  if (proxied !== undefined) {
    const base = 'api/2.0/mlflow-artifacts/artifacts';
    return {
      list: (folder) => ({ path: base, query: { path: join(proxied, folder) } }),
      file: (path) => ({
        path: `${base}/${join(proxied, path).split('/').map(encodeURIComponent).join('/')}`,
        query: {},
      }),
      below: (listed, folder) => join(folder, listed.split('/').at(-1) ?? listed),
    };
  }
  const ofRun = /^runs:\/+[^/]+\/(.*)$/.exec(uri)?.[1] ?? /\/artifacts\/(.*)$/.exec(uri)?.[1];
  if (ofRun === undefined || run_id === '')
    throw new CommandError(
      EXIT.failed,
      `the files of ${name} lie at ${uri}, which MLflow does not serve; mlflow artifacts download fetches them, then: belay release init FOLDER`,
    );
  return {
    list: (folder) => ({ path: `${API}/artifacts/list`, query: { run_id, path: join(ofRun, folder) } }),
    file: (path) => ({ path: 'get-artifact', query: { run_uuid: run_id, path: join(ofRun, path) } }),
    below: (listed, folder) => join(folder, listed.split('/').at(-1) ?? listed),
  };
}

async function listFiles(
  list: (folder: string) => Promise<readonly { readonly path: string; readonly is_dir: boolean }[]>,
): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [''];
  while (folders.length > 0 && files.length < FILES_MAX) {
    for (const { path, is_dir } of await list(folders.shift() ?? '')) (is_dir ? folders : files).push(path);
  }
  return files;
}
