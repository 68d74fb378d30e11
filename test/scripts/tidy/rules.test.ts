// Each house rule catches what it is for, and lets the ordinary through.
import { describe, expect, it } from 'vitest';
import { allRules } from '../../../scripts/tidy/rules.ts';
import { parseSourceFile } from '../../../scripts/tidy/source-files.ts';

function findings(rule: string, files: Record<string, string>): string[] {
  const parsed = Object.entries(files).map(([path, text]) => parseSourceFile(path, text));
  return (allRules[rule]?.(parsed) ?? []).map(({ file, message }) => `${file}: ${message}`);
}

describe('tidy', () => {
  it('finds a file that is too long, and allows tests twice the length', () => {
    const text = '// x\n'.repeat(301);
    expect(findings('file-length', { 'agent/a.ts': text, 'test/agent/a.test.ts': text })).toHaveLength(1);
  });

  it('finds a file without a header sentence', () => {
    expect(
      findings('header', { 'agent/a.ts': 'export const a = 1;\n', 'agent/b.ts': '// B.\nexport const b = 1;\n' }),
    ).toHaveLength(1);
  });

  it('finds names that say nothing', () => {
    const files = {
      'agent/index.ts': '',
      'agent/frame-helpers.ts': '',
      'shared/utils.ts': '',
      'agent/frames/Ring.ts': '',
      'agent/ring.ts': '',
    };
    expect(findings('file-name', files)).toHaveLength(4);
  });

  it('finds left-overs with their line', () => {
    const word = ['TO', 'DO'].join('');
    expect(findings('leftovers', { 'agent/a.ts': `// x\n// ${word} later\n` })).toEqual([
      `agent/a.ts:2: left over: // ${word} later`,
    ]);
  });

  it('finds a clock and a node import in core, but not in comments or elsewhere', () => {
    expect(findings('pure-core', { 'agent/core/a.ts': '// Date\nexport const a = () => Date.now();\n' })).toHaveLength(
      1,
    );
    expect(findings('pure-core', { 'agent/core/b.ts': "// b\nimport fs from 'node:fs';\n" })).toHaveLength(1);
    expect(
      findings('pure-core', { 'agent/core/c.ts': '// a Date is passed in\n', 'agent/d.ts': 'Date.now()' }),
    ).toEqual([]);
  });

  it('finds a library outside its home', () => {
    const text = "import ort from 'onnxruntime-node';\n";
    expect(findings('one-home', { 'agent/main.ts': text, 'agent/inference/runner-process.ts': text })).toHaveLength(1);
  });

  it('finds imports against the direction', () => {
    const crossing = {
      'shared/a.ts': "import { b } from '../agent/b.ts';\n",
      'agent/c.ts': "import { d } from '../control-plane/d.ts';\n",
      'agent/core/e.ts': "import { f } from '../link/f.ts';\n",
      'control-plane/cli/g.ts': "import { h } from '../registry/h.ts';\n",
      'agent/i.ts': "import { j } from '../test/j.ts';\n",
    };
    expect(findings('direction', crossing)).toHaveLength(5);
    expect(
      findings('direction', {
        'agent/core/a.ts': "import { b } from '../../shared/b.ts';\n",
        'test/a.ts': "import '../agent/b.ts';\n",
      }),
    ).toEqual([]);
  });

  it('finds a circle', () => {
    const circle = { 'agent/a.ts': "import { b } from './b.ts';\n", 'agent/b.ts': "import { a } from './a.ts';\n" };
    expect(findings('cycles', circle)).toHaveLength(1);
  });

  it('finds a file that nothing reaches', () => {
    const files = { 'agent/main.ts': "import { b } from './b.ts';\n", 'agent/b.ts': '', 'agent/lost.ts': '' };
    expect(findings('unreachable', files)).toEqual(['agent/lost.ts: nothing imports it']);
  });
});
