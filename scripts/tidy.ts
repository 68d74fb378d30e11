// Holds the tree against the house rules and prints what breaks them. Exit 1 when anything does.
import path from 'node:path';
import { allRules } from './tidy/rules.ts';
import { readSourceFiles } from './tidy/source-files.ts';

const root = path.dirname(import.meta.dirname);
const files = readSourceFiles(root);
const findings = Object.entries(allRules).flatMap(([name, rule]) =>
  rule(files).map((finding) => ({ name, ...finding })),
);
for (const { name, file, message } of findings) process.stdout.write(`${file}  ${message}  (${name})\n`);
process.stdout.write(`tidy: ${files.length} files, ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
