// Holds the tree against the house rules and prints what breaks them. Exit 1 when anything does.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findDependencies, type PackageFile } from './tidy/dependencies.ts';
import { allRules } from './tidy/rules.ts';
import { readSourceFiles } from './tidy/source-files.ts';

const root = path.dirname(import.meta.dirname);
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

function readPackage(file: string): PackageFile {
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = JSON.parse(read(file));
  return { path: file, names: Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies }) };
}

const files = readSourceFiles(root);
const packages = ['', 'agent/', 'control-plane/', 'shared/'].map((folder) => readPackage(`${folder}package.json`));
const findings = [
  ...Object.entries(allRules).flatMap(([name, rule]) => rule(files).map((finding) => ({ name, ...finding }))),
  ...findDependencies({ packages, files, readme: read('README.md') }).map((finding) => ({
    name: 'dependencies',
    ...finding,
  })),
];
for (const { name, file, message } of findings) process.stdout.write(`${file}  ${message}  (${name})\n`);
process.stdout.write(`tidy: ${files.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
