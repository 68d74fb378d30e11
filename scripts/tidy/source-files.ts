// Reads the project's own source files and what they import. Text only: nothing of the project is run.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export type Import = {
  readonly specifier: string /** Repository path for relative imports, else null. */;
  readonly file: string | null;
};
export type SourceFile = {
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Every tracked or new `.ts`/`.mjs` file below `root`, in path order. */
export function readSourceFiles(root: string): readonly SourceFile[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx', '*.mjs'],
    { cwd: root, encoding: 'utf8' },
  );
  return listed
    .split('\n')
    .filter((file) => file !== '' && existsSync(path.join(root, file)))
    .sort()
    .map((file) => parseSourceFile(file, readFileSync(path.join(root, file), 'utf8')));
}

export function parseSourceFile(file: string, text: string): SourceFile {
  const imports = [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    return { specifier, file: specifier.startsWith('.') ? path.posix.join(path.posix.dirname(file), specifier) : null };
  });
  return { path: file, text, lines: text.split('\n').length - 1, imports };
}
