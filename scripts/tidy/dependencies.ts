// Holds the packages that the project installs against who imports them and against README.md, which says why each is there.
import type { Finding } from './rules.ts';
import type { SourceFile } from './source-files.ts';

export type PackageFile = { readonly path: string; readonly names: readonly string[] };

export type DependencyFacts = {
  readonly packages: readonly PackageFile[];
  readonly files: readonly SourceFile[];
  readonly readme: string;
};

/** Run by name, loaded by path, or there for the type check alone. */
const NOT_IMPORTED = /^(?:typescript|axe-core|node-linux-.*|@biomejs\/biome|@types\/.*)$/;

/** A package that nothing imports is a door that nobody watches; one without a reason nobody dares to remove. */
export function findDependencies({ packages, files, readme }: DependencyFacts): readonly Finding[] {
  const imported = files.flatMap((file) => file.imports.map(({ specifier }) => specifier));
  const isUsed = (name: string) =>
    NOT_IMPORTED.test(name) || imported.some((specifier) => specifier === name || specifier.startsWith(`${name}/`));
  const isExplained = (name: string) => name.startsWith('@types/') || namesOf(readme).has(name);
  return packages.flatMap(({ path, names }) => [
    ...names.filter((name) => !isUsed(name)).map((name) => ({ file: path, message: `${name}: nothing imports it` })),
    ...names
      .filter((name) => !isExplained(name))
      .map((name) => ({ file: path, message: `${name}: README.md does not say why it is there` })),
  ]);
}

/** First column of the table below "Why each dependency". */
function namesOf(readme: string): ReadonlySet<string> {
  const [, section = ''] = readme.split('\n## Why each dependency\n');
  const rows = section.split('\n## ')[0]?.split('\n') ?? [];
  return new Set(rows.flatMap((row) => (row.startsWith('|') ? (row.split('|')[1] ?? '').trim().split(', ') : [])));
}
