// Lint: mistakes and warnings of a rollout file with their places, and silence about a sound one.
import { describe, expect, it } from 'vitest';
import { lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { presetText } from '../../../shared/rollout/presets.ts';
import { formatFileProblem } from '../../../shared/rollout/read-rollout-file.ts';

const SOUND = presetText({
  preset: 'standard',
  candidate: 'cv-detector:2.0.0',
  name: 'detector-2',
  owner: 'vision-team',
  backup: 'on-call',
});

function warningsOf(change: readonly (readonly [from: string, to: string])[], devices: number | null = null) {
  const text = change.reduce((changed, [from, to]) => {
    expect(changed).toContain(from);
    return changed.replace(from, to);
  }, SOUND);
  const { problems, warnings } = lintRolloutFile(text, devices);
  expect(problems).toEqual([]);
  return warnings.map((warning) => formatFileProblem('r.yaml', warning));
}

describe('lintRolloutFile', () => {
  it('has nothing to say about a sound file', () => {
    expect(lintRolloutFile(SOUND)).toEqual({ problems: [], warnings: [] });
  });

  it('names mistakes, and then no warnings', () => {
    const { problems, warnings } = lintRolloutFile(
      SOUND.replace('backup: on-call', 'backup: vision-team').replace('bake: 2h', 'bake: soon'),
    );
    expect(problems.map(({ path }) => path)).toEqual(['spec.stages[3].bake']);
    expect(warnings).toEqual([]);
  });

  it.each([
    [
      'an owner without a stand-in',
      [['backup: on-call', 'backup: Vision-Team']],
      'spec.owners.backup: is the owner again',
    ],
    [
      'a pin that has no effect',
      [['salt: rollout  ', 'pin: {candidate: [cam-1], baseline: [cam-1]}\n    salt: rollout']],
      'spec.cohort.pin.baseline[0]: "cam-1" is also in pin.candidate',
    ],
    [
      'a shadow after devices serve',
      [
        [
          '    - {name: shadow, percent: 100, mode: shadow',
          '    - {name: early, percent: 1, bake: 60m}\n    - {name: shadow, percent: 100, mode: shadow',
        ],
      ],
      'spec.stages[2]: comes after "early"',
    ],
    [
      'two stages with the same devices',
      [['percent: 25', 'percent: 5']],
      'spec.stages[3]: has the same devices as "first"',
    ],
    [
      'a guardrail whose breach outlasts its stages',
      [['1.20 for 10m', '1.20 for 4h']],
      'no breach can last 4h in stage "first"',
    ],
    [
      'too little time for the minimum of evidence',
      [['bake: 60m, extend: 2x60m', 'bake: 10m']],
      'stage "first" ends before a device has 15 minutes of evidence',
    ],
    [
      'too few frames for the minimum of evidence',
      [['framesPerDevice: 2000', 'framesPerDevice: 9000000']],
      'before a device has 9000000 frames, even at 120 per second',
    ],
    [
      'a percentile of few frames',
      [['framesPerDevice: 2000', 'framesPerDevice: 300']],
      'p99 of 300 frames rests on 3: ask for 1000 framesPerDevice',
    ],
    [
      'silence that holds nothing',
      [['maxSilent: 20%', 'maxSilent: 100%']],
      'spec.analysis.missing.maxSilent: no number of silent devices',
    ],
    ['a device missed too late', [['stale: 5m', 'stale: 1h']], 'is longer than the shortest stage (30m)'],
    ['a lease for rehearsals', [['ttl: 15m', 'ttl: 10s']], 'spec.lease: leases of 10s are for rehearsals'],
  ] as const)('warns of %s', (_, change, expected) => {
    expect(warningsOf(change).join('\n')).toContain(expected);
  });

  it('warns of a self-test that nothing judges, and of a file that never rolls back', () => {
    const lines = SOUND.split('\n').filter((line) => !line.includes('golden('));
    const text = lines.join('\n').replaceAll('enforce: rollback', 'enforce: hold');
    const messages = lintRolloutFile(text).warnings.map(({ path, message }) => `${path}: ${message}`);
    expect(messages).toEqual([
      'spec.stages[0]: no guardrail such as golden(map50) judges it: a candidate that runs passes, whatever it answers',
      'spec.guardrails: none has enforce: rollback: nothing goes back by itself',
    ]);
  });

  it('warns when the first to serve is every device', () => {
    const lines = SOUND.split('\n').filter((line) => !/name: (first|quarter|half),/.test(line));
    expect(lintRolloutFile(lines.join('\n')).warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('none is left to compare with'),
    ]);
  });

  it('knows which steps a small site cannot show', () => {
    expect(warningsOf([], 200)).toEqual([]);
    expect(warningsOf([], 5)).toEqual([
      expect.stringMatching(
        /^r\.yaml:\d+:7 spec\.stages\[3\]: with 5 devices on a site it is the same 1 device as stage "first"$/,
      ),
    ]);
    expect(warningsOf([['minPerFactory: 1', 'minPerFactory: 0']], 6)).toEqual([
      expect.stringContaining('spec.stages[2]: 5 % of 6 devices is none'),
    ]);
  });
});
