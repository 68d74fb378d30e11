// Presets: whole files that read without a mistake or a warning, and differ in how careful they are.
import { describe, expect, it } from 'vitest';
import { lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { defaultRolloutName, PRESETS, type Preset, presetText } from '../../../shared/rollout/presets.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';

const REQUEST = {
  candidate: 'weld-seg:1.5.0+data=b4f7a1',
  name: 'weld-seg-2',
  owner: 'vision-team',
  backup: 'on-call',
};

function specOf(preset: Preset, change: object = {}) {
  const read = readRolloutFile(presetText({ ...REQUEST, preset, ...change }));
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value;
}

describe('presets', () => {
  it.each(PRESETS)('%s is a whole file without mistakes or warnings, with what it was asked for', (preset) => {
    const text = presetText({ ...REQUEST, preset });
    expect(lintRolloutFile(text, 200)).toEqual({ problems: [], warnings: [] });
    const { metadata, spec } = specOf(preset);
    expect(metadata.name).toBe('weld-seg-2');
    expect(spec).toMatchObject({ candidate: REQUEST.candidate, owners: { primary: 'vision-team', backup: 'on-call' } });
    expect(text).toMatch(/^# yaml-language-server: \$schema=rollout-file\.schema\.json\n/);
  });

  it('are more careful the more careful they are called', () => {
    const [cautious, standard, fast] = PRESETS.map((preset) => specOf(preset).spec);
    const first = (spec: typeof cautious) => spec?.stages.find(({ mode }) => mode === 'serve')?.percent ?? Number.NaN;
    const total = (spec: typeof cautious) => spec?.stages.reduce((sum, { bake }) => sum + bake, 0) ?? Number.NaN;
    const asked = (spec: typeof cautious) => spec?.stages.filter(({ promote }) => promote === 'manual').length;
    expect([first(cautious), first(standard), first(fast)]).toEqual([1, 5, 10]);
    expect(total(cautious)).toBeGreaterThan(total(standard));
    expect(total(standard)).toBeGreaterThan(total(fast));
    expect([asked(cautious), asked(standard), asked(fast)]).toEqual([2, 2, 0]);
  });

  it('keep every text a text, whatever it looks like', () => {
    const odd = { owner: 'yes', backup: 'team: "A" # not a comment' };
    expect(specOf('standard', odd).spec.owners).toMatchObject({ primary: 'yes', backup: odd.backup });
  });

  it('leave open who owns it when nobody is named, and the reader says so', () => {
    const { problems } = lintRolloutFile(presetText({ ...REQUEST, preset: 'fast', owner: '', backup: '' }));
    expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'spec.owners.primary: must name a person, role or team',
      'spec.owners.backup: must name a person, role or team',
    ]);
  });

  it('name the rollout after its release', () => {
    expect(defaultRolloutName('weld-seg:1.5.0+data=b4f7')).toBe('weld-seg-1-5-0');
    expect(defaultRolloutName(`${'x'.repeat(60)}:10.20.30`)).toBe(`${'x'.repeat(31)}-10-20-30`);
    expect(defaultRolloutName('weld.yaml')).toBeNull();
  });
});
