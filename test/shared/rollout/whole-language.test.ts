// The file that shows the whole language: read as it is written, and what it asks for is there afterwards. What is refused is refused
// on purpose, each for its reason.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { lintRolloutFile } from '../../../shared/rollout/lint.ts';
import { readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../fixtures/whole-language.yaml'), 'utf8');

/** A site's clock is nowhere but in the file. */
const NEEDS_ZONES = 'spec.schedule.tz';
/** Refused today with what to do instead; one that begins to be acted on may leave this list. */
const REFUSED = [
  'spec.requires',
  'spec.cohort.stratifyBy',
  'spec.cohort.clusterBy',
  'spec.cohort.newDevices',
  'spec.cohort.reenrol',
  'spec.stages[0].minDevicesPerHw',
  'spec.cohort.where',
  'spec.abort.factoryScope',
];

/** Without what is refused, and with the time zones that nobody can guess. */
function readable(): string {
  const dropped = ['requires:', 'stratifyBy:', 'clusterBy:', 'newDevices:', 'reenrol:'];
  const lines = TEXT.split('\n').filter((line) => {
    const key = line.trim().split(' ')[0] ?? '';
    return !dropped.includes(key) && key !== 'factoryScope:';
  });
  return lines
    .join('\n')
    .replace('minDevicesPerHw: 1, ', '')
    .replace(' and disk_free_gb >= 2', '')
    .replace('tz: factory,', 'tz: factory, sites: {fab-1: Europe/Berlin, fab-2: UTC, fab-3: America/Chicago},');
}

function specOf() {
  const read = readRolloutFile(readable());
  if (!read.ok)
    throw new Error(read.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`).join('\n'));
  return read.value.spec;
}

describe('the file that shows the whole language', () => {
  it('is refused for nothing but what is refused on purpose', () => {
    const { problems } = lintRolloutFile(TEXT);
    const unexpected = problems.filter(({ path }) => path !== NEEDS_ZONES && !REFUSED.includes(path));
    expect(unexpected).toEqual([]);
    for (const { path, message } of problems)
      expect([path, message]).toEqual([
        path,
        expect.stringMatching(
          path === NEEDS_ZONES
            ? /time zone of each site/
            : /^(not supported yet: \w+ \(.+\)|free disk is not reported; .+)$/,
        ),
      ]);
  });

  it('reads without these, with no mistake', () => {
    expect(lintRolloutFile(readable()).problems).toEqual([]);
  });

  it('carries what devices judge by themselves to their limits', () => {
    const { limits, requireWarm } = specOf();
    expect(limits).toMatchObject({ fpsFloor: 8, fpsForMs: 30_000, temperatureCeilingC: 92, oomStrikes: 1 });
    expect(requireWarm).toBe(true);
  });

  it('has its objective judged at its gate, beside the guardrails', () => {
    const { guardrails } = expandGuardrails(specOf(), ['person', 'vehicle', 'micro-crack']);
    expect(guardrails.find(({ id }) => id === 'cost')).toMatchObject({
      stages: ['half'],
      limitText: '≤ -5 %',
      enforce: 'hold',
      objective: { with: ['microcrack'] },
    });
    expect(guardrails.find(({ id }) => id === 'prec/person')?.minimum.objects).toBe(800);
  });

  it('asks for a signature before shadow is left, and for the time that the file says', () => {
    const { stages, analysis, after, prewarm, abort, promotion } = specOf();
    expect(stages.find(({ name }) => name === 'shadow')).toMatchObject({
      promote: 'approval',
      approvals: 1,
      signoff: 'shadow-report',
      maxExtraLoad: 25,
    });
    expect(analysis.baselineWindow).toEqual({ from: 86_400_000, min: 3_600_000, align: 'sameShift' });
    expect([analysis.tick, analysis.missing.maxSilent]).toEqual([60_000, 20]);
    expect(after).toMatchObject({ retainBaseline: 14 * 86_400_000, conclude: 'markStable' });
    expect(prewarm).toMatchObject({ warmupFrames: 30, coldStartProbes: 5 });
    expect(abort.deviceReverts.within).toBe(900_000);
    expect(promotion.inconclusive.page).toBe('primary');
  });
});

describe('fields that do not fit together', () => {
  const base = readable();
  it.each([
    ['{floor: 8, for: 30s, action: revert}', '{ceiling: 8}', 'of fps a device judges a "floor", alone'],
    ['gate: half}', 'gate: halve}', 'no stage is named "halve" (did you mean "half"?)'],
    ['with: [microcrack]', 'with: [nobody]', 'no guardrail is named "nobody"'],
    ['with: [microcrack]', 'with: [disagree]', '"disagree" is not judged in stage "half"'],
    ['"cost_per_defect improves >= 5 %"', '"cost_per_defect <= baseline * 1.05"', 'demands no improvement'],
    ['"js(confidence) <= 0.05", enforce: observe', '"js(confidence) <= 0.05", enforce: hold', 'must be observe'],
    ['maxOffline: 20%', 'maxOffline: 20%, maxSilent: 10%', 'is the same as maxSilent'],
    ['from: -24h', 'from: 24h', 'must be from "-1m" to "-7d"'],
    ['order: allGuardrailsOk', 'order: someGuardrailsOk', 'must be'],
    ['name: candidate,   percent: 5%,', 'name: candidate, maxExtraLoad: 5%, percent: 5%,', 'is about a shadow'],
    [
      'name: candidate,   percent: 5%,',
      'name: candidate, route: {when: "frame.area > 2MP"}, percent: 5%,',
      'with a gate for each branch',
    ],
  ])('%s → %s', (from, to, message) => {
    expect(base).toContain(from);
    const { problems } = lintRolloutFile(base.replace(from, to));
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message);
  });
});
