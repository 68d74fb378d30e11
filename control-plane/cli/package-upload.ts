// A release package on disk: read, checked against its manifest, and its files uploaded where the registry lacks them.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describeError } from '../../shared/basics/errors.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import { endpoint } from '../../shared/protocol/address.ts';
import { type Manifest, manifestSchema } from '../../shared/release/manifest.ts';
import { type ApiClient, CommandError } from './api-client.ts';
import { EXIT } from './exit-codes.ts';

/** Uploads what the server lacks; gives the manifest. Every mistake of the folder is one readable refusal. */
export async function uploadPackage(api: ApiClient, folder: string, note: (text: string) => void): Promise<Manifest> {
  const manifest = await readManifest(folder);
  for (const file of manifest.files) {
    const bytes = await readPackageFile(folder, file.path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== file.sha256) {
      const text = `${path.join(folder, file.path)} is not what manifest.json says: its SHA-256 is ${sha256}, the manifest names ${file.sha256}`;
      throw new CommandError(EXIT.usage, text);
    }
    if (await api.upload(endpoint('PUT /v1/artifacts/:sha256', { sha256 }), bytes))
      note(`uploaded ${file.path} (${Math.ceil(bytes.byteLength / 1024)} KB)`);
  }
  return manifest;
}

/** The model card beside the manifest; absent where there is none. */
export async function readCard(folder: string): Promise<{ readonly card?: string }> {
  try {
    return { card: await readFile(path.join(folder, 'README.md'), 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new CommandError(EXIT.usage, `cannot read ${path.join(folder, 'README.md')}: ${describeError(error)}`);
  }
}

async function readManifest(folder: string): Promise<Manifest> {
  const file = path.join(folder, 'manifest.json');
  const parsed = parseJson(manifestSchema, await readPackageFile(folder, 'manifest.json'));
  if (parsed.ok) return parsed.value;
  const lines = parsed.problems.map((problem) => `  ${problem.path}: ${problem.message}`);
  throw new CommandError(EXIT.usage, [`${file} is not a manifest:`, ...lines].join('\n'), parsed.problems);
}

/** A file of the package; files that all versions of a model share (its golden frames) may lie one folder up. */
async function readPackageFile(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(path.join(folder, name));
  } catch (error) {
    const shared = await readFile(path.join(folder, '..', name)).catch(() => null);
    if (shared && name !== 'manifest.json') return shared;
    const hint = 'A release is a folder with manifest.json and the files that it names.';
    throw new CommandError(EXIT.usage, `cannot read ${path.join(folder, name)}: ${describeError(error)}. ${hint}`);
  }
}
