// Every package that is installed has somebody who imports it and a reason in the README.
import { describe, expect, it } from 'vitest';
import { findDependencies } from '../../../scripts/tidy/dependencies.ts';
import { parseSourceFile } from '../../../scripts/tidy/source-files.ts';

const readme =
  '# x\n\n## Why each dependency\n\n| package | why | home |\n|---|---|---|\n| zod, mqtt | y | z |\n\n## Next\n| pino | |\n';
const files = [parseSourceFile('shared/a.ts', "// A.\nimport { z } from 'zod';\nimport mqtt from 'mqtt/client';\n")];

function findings(names: readonly string[]): readonly string[] {
  return findDependencies({ packages: [{ path: 'package.json', names }], files, readme }).map(({ message }) => message);
}

describe('dependencies', () => {
  it('are fine when they are imported, whole or in part, and explained', () => {
    expect(findings(['zod', 'mqtt', '@types/node'])).toEqual([]);
  });

  it('are found when nothing imports them', () => {
    expect(findings(['zo'])).toContain('zo: nothing imports it');
  });

  it('are found when the table does not name them, wherever else the README does', () => {
    expect(findings(['pino'])).toContain('pino: README.md does not say why it is there');
  });

  it('may be tools that run by name, with a reason', () => {
    expect(findings(['typescript'])).toEqual(['typescript: README.md does not say why it is there']);
  });
});
