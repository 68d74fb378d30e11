// What the pages of the built dashboard load, by the manifest that Vite writes beside them. Reads files only.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';

const manifestSchema = z.record(
  z.string(),
  z.looseObject({
    file: z.string(),
    isEntry: z.boolean().default(false),
    isDynamicEntry: z.boolean().default(false),
    /** Keys of this manifest. */
    imports: z.array(z.string()).default([]),
  }),
);
type Manifest = z.infer<typeof manifestSchema>;

export type PageWeight = { readonly page: string; readonly bytes: number };
export type DashboardWeight = {
  /** Heaviest first; each with the entry, the worker of the stream and everything that they import. */
  readonly pages: readonly PageWeight[];
  readonly allBytes: number;
  readonly files: number;
};

/** By gzip. Throws when the folder was built without a manifest, or when its pages are not as this knows them. */
export function weighDashboard(folder: string): DashboardWeight {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, '.vite/manifest.json'), 'utf8')));
  const sizes = new Map(
    globSync('assets/*.js', { cwd: folder }).map((file) => [
      file,
      gzipSync(readFileSync(path.join(folder, file)), { level: 9 }).length,
    ]),
  );
  const entry = Object.keys(manifest).find((key) => manifest[key]?.isEntry);
  if (entry === undefined) throw new Error(`the manifest of ${folder} has no entry`);
  const workers = [...sizes.keys()].filter((file) => file.startsWith('assets/stream-worker'));
  const pages = Object.keys(manifest).filter((key) => manifest[key]?.isDynamicEntry);
  const weigh = (page: string): PageWeight => {
    const files = new Set([...filesOf(manifest, [entry, page]), ...workers]);
    return { page, bytes: sum([...files].map((file) => sizes.get(file) ?? 0)) };
  };
  return {
    pages: pages.map(weigh).sort((a, b) => b.bytes - a.bytes),
    allBytes: sum([...sizes.values()]),
    files: sizes.size,
  };
}

function filesOf(manifest: Manifest, keys: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const open = [...keys];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    open.push(...(manifest[key]?.imports ?? []));
  }
  return [...seen].flatMap((key) => manifest[key]?.file ?? []);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
