// Reading rollout files: defaults, and all mistakes at once with their places.
import { describe, expect, it } from 'vitest';
import { expandGuardrails } from '../../../shared/rollout/guardrails.ts';
import { describeLease, leaseTermsAt, leaseWarnings } from '../../../shared/rollout/lease-section.ts';
import { formatFileProblem, readRolloutFile } from '../../../shared/rollout/read-rollout-file.ts';

const GOOD = `apiVersion: belay/v1
kind: Rollout
metadata: {name: detector-2}
spec:
  candidate: cv-detector:2.0.0+data=b4f7a1
  owners: {primary: vision-team, backup: on-call}
  stages:
    - {name: shadow, percent: 100, mode: shadow, bake: 1d, sampleEvery: 5}
    - {name: small, percent: 5%, bake: 60m, extend: 2x30m}
    - {name: full, percent: 100, bake: 2h, promote: manual}
  guardrails:
    - {id: p95, expr: "p95(latency_ms) <= baseline * 1.10 for 5m", enforce: rollback}
    - {id: lost, expr: rate(lost) <= 10 %, stages: [shadow], per: class, classes: [dent, micro-crack], enforce: rollback, minimum: {baseDetections: 12}}
`;

function problemsOf(text: string): readonly string[] {
  const result = readRolloutFile(text);
  return result.ok ? [] : result.problems.map((problem) => formatFileProblem('r.yaml', problem));
}

function changed(from: string | RegExp, to: string): readonly string[] {
  const text = GOOD.replace(from, to);
  expect(text).not.toBe(GOOD);
  return problemsOf(text);
}

describe('readRolloutFile', () => {
  it('fills in what is not said', () => {
    const result = readRolloutFile(GOOD);
    if (!result.ok) throw new Error(problemsOf(GOOD).join('\n'));
    const { spec } = result.value;
    expect(spec.baseline).toBe('stable');
    expect(spec.cohort).toMatchObject({ factories: null, salt: 'rollout', minPerFactory: 1 });
    expect(spec.stages[1]).toMatchObject({ mode: 'serve', percent: 5, extend: { times: 2, eachMs: 1_800_000 } });
    expect(spec.analysis.minimum).toMatchObject({ devices: 2, controls: 4, baseDetections: 30 });
    expect(spec.limits.latencyRatio).toBe(4);
    expect(spec.abort.deviceReverts).toEqual({ percent: 10, min: 3, within: null });
  });

  it('reads how a rollout grows and ends; without a word of it everything is as before', () => {
    const more = `spec:
  schedule: {tz: factory, sites: {plant-a: Europe/Berlin}, windows: [mon-thu 06:30-16:00], freeze: [2026-12-20/2027-01-03]}
  promotion: {inconclusive: {then: extend, afterExtensions: rollback, timeout: 8h, onTimeout: rollback}}
  abort: {onBreach: freeze, cooldown: 24h}`;
    const last = 'soak: 2h, holdback: 10%, promote: approval, approvals: 2, judge: [noBreach, pointEstimate]}';
    const full = readRolloutFile(GOOD.replace('spec:', more).replace('bake: 2h, promote: manual}', last));
    if (!full.ok) throw new Error(JSON.stringify(full.problems));
    const { spec } = full.value;
    expect(spec.stages[2]).toMatchObject({ bake: 7_200_000, holdback: 10, approvals: 2, judge: 'noBreach' });
    expect(spec.schedule?.windows[0]).toMatchObject({ days: [1, 2, 3, 4], fromMinute: 390, toMinute: 960 });
    expect(spec.abort).toMatchObject({ onBreach: 'freeze', cooldown: 86_400_000 });
    expect(spec.promotion.inconclusive).toMatchObject({ afterExtensions: 'rollback', timeout: 28_800_000 });
    const plain = readRolloutFile(GOOD);
    if (!plain.ok) throw new Error(JSON.stringify(plain.problems));
    expect(plain.value.spec).toMatchObject({
      schedule: null,
      abort: { onBreach: 'rollback', cooldown: 0 },
      promotion: { inconclusive: { afterExtensions: 'hold', timeout: null, onTimeout: 'stay' } },
    });
    expect(plain.value.spec.stages[2]).toMatchObject({ holdback: 0, approvals: 0, judge: 'range' });
  });

  it('lets an improvement be demanded before it grows, and never rolls back for want of one', () => {
    const gain = (enforce: string) =>
      changed(
        '  guardrails:',
        `  guardrails:\n    - {id: gain, expr: golden(map50) >= baseline + 2 pt, enforce: ${enforce}}`,
      );
    expect(gain('hold')).toEqual([]);
    expect(gain('rollback')).toEqual([
      'r.yaml:12:67 spec.guardrails[0].enforce: must be hold or observe: want of an improvement is no reason to go back',
    ]);
  });

  it('names every mistake at once, with line, column and what must be there', () => {
    const text = `apiVersion: belay/v1
kind: Rolout
metadata: {name: Bad Name}
spec:
  candidate: cv-detector
  owner: {}
  cohort: {where: x}
  stages:
    - {name: selftest, percent: 120, mode: golden, bak: 10m}
    - name: shadow
      percent: 100
      mode: shadw
      bake: soon
  guardrails:
    - {id: p95, expr: "p95(latency_msx) <= baseline * 1.10", enforce: rollback}
    - {id: p96, expr: p95(latency_ms) >= baseline * 1.10, enforce: rolback}
`;
    expect(problemsOf(text)).toMatchInlineSnapshot(`
      [
        "r.yaml:2:7 kind: must be "Rollout", not "Rolout" (did you mean "Rollout"?)",
        "r.yaml:3:18 metadata.name: must be a short name of a-z, 0-9, "-" and ".", starting with a letter",
        "r.yaml:5:3 spec.owners: is required (a map of fields)",
        "r.yaml:5:14 spec.candidate: must be a release such as "cv-detector:2.0.0+data=b4f7a1"",
        "r.yaml:6:3 spec.owner: unknown field (did you mean "owners"?)",
        "r.yaml:7:19 spec.cohort.where: unknown field "x"; known: hw, site, line, online, battery",
        "r.yaml:9:7 spec.stages[0].bake: is required (a text)",
        "r.yaml:9:33 spec.stages[0].percent: must be a percentage from 0 to 100, not "120"",
        "r.yaml:9:52 spec.stages[0].bak: unknown field (did you mean "bake"?)",
        "r.yaml:12:13 spec.stages[1].mode: must be one of "golden", "shadow", "serve", not "shadw" (did you mean "shadow"?)",
        "r.yaml:13:13 spec.stages[1].bake: must be a duration such as 30s, 10m, 2h or 1d, not "soon"",
        "r.yaml:15:28 spec.guardrails[0].expr: unknown metric "latency_msx" (did you mean "latency_ms"?); p95() knows latency_ms, run_ms, cold_start_ms",
        "r.yaml:16:39 spec.guardrails[1].expr: must be "<=": higher latency is worse",
        "r.yaml:16:68 spec.guardrails[1].enforce: must be one of "observe", "hold", "rollback", not "rolback" (did you mean "rollback"?)",
      ]
    `);
  });

  it.each([
    [
      'a missing field points at its parent',
      / backup: on-call/,
      '',
      'r.yaml:6:11 spec.owners.backup: is required (a text)',
    ],
    [
      'both sizes of a stage',
      'percent: 5%',
      'percent: 5%, count: 3',
      'spec.stages[1].count: give percent or count, not both',
    ],
    ['no size of a stage', ' percent: 5%,', '', 'spec.stages[1]: needs "percent" or "count"'],
    [
      'shrinking exposure',
      'percent: 5%, bake: 60m, extend: 2x30m}',
      'percent: 5%, bake: 60m}\n    - {name: less, percent: 2, bake: 1h}',
      'spec.stages[2].percent: must be at least 5, as in stage "small"',
    ],
    [
      'a last stage that is not everyone',
      /name: full, percent: 100/,
      'name: full, percent: 90',
      'spec.stages[2]: the last stage must be mode: serve with percent: 100',
    ],
    ['a repeated stage name', 'name: full', 'name: small', '"small" is used twice'],
    ['a repeated guardrail', 'id: lost', 'id: p95', 'spec.guardrails[1].id: "p95" is used twice'],
    ['paired evidence without a shadow stage', 'mode: shadow', 'mode: golden', 'lost needs a stage of mode: shadow'],
    [
      'a stage that nothing judges',
      'for 5m", enforce: rollback',
      'for 5m", enforce: observe',
      'spec.stages[1]: no guardrail with enforce: hold or rollback judges stage "small"',
    ],
    [
      'an unknown stage in a guardrail',
      'enforce: rollback}',
      'enforce: rollback, stages: [smal]}',
      'no stage is named "smal" (did you mean "small"?)',
    ],
    [
      'latency judged in a shadow',
      'enforce: rollback}',
      'enforce: rollback, stages: [shadow]}',
      'latency_ms is judged in stages of mode serve, and "shadow" is shadow',
    ],
    ['classes without per', 'per: class, ', '', 'spec.guardrails[1].classes: needs "per: class"'],
    [
      'a field of a later version',
      'spec:\n',
      'spec:\n  strategy: canary\n',
      'spec.strategy: not supported yet: strategy',
    ],
    [
      'an unknown device limit',
      'spec:\n',
      'spec:\n  limits: {fpsFlor: 3}\n',
      'spec.limits.fpsFlor: unknown field (did you mean "fpsFloor"?)',
    ],
    ['bake and soak', 'bake: 2h', 'bake: 2h, soak: 2h', 'spec.stages[2].soak: give bake or soak, not both'],
    ['soak before the last stage', 'bake: 60m', 'soak: 60m', 'spec.stages[1].soak: is the bake of the last stage'],
    ['noBreach before the last stage', 'bake: 60m', 'bake: 60m, judge: noBreach', 'on the last stage only'],
    ['a judge that is none', 'bake: 2h', 'bake: 2h, judge: maybe', 'must be one of "range", "noBreach", not "maybe"'],
    ['approvals without asking', 'bake: 60m', 'bake: 60m, approvals: 2', 'approvals: needs "promote: approval"'],
    [
      'an unknown answer to doubt',
      'spec:\n',
      'spec:\n  promotion: {inconclusive: {then: never}}\n',
      'spec.promotion.inconclusive.then: must be one of "extend", "hold", not "never"',
    ],
    [
      'more approvals than there are approvers',
      /backup: on-call\}([\s\S]*)promote: manual/,
      'backup: on-call, approvers: [qa-lead]}$1promote: approval, approvals: 2',
      'spec.stages[2].approvals: asks for 2, and owners.approvers names 1',
    ],
    [
      'a schedule that says nothing',
      'spec:\n',
      'spec:\n  schedule: {tz: UTC}\n',
      'spec.schedule: names neither windows',
    ],
    [
      'site time without the zones of its sites',
      'spec:\n',
      'spec:\n  schedule: {tz: factory, windows: ["daily 06:00-09:00"]}\n',
      'spec.schedule.tz: needs the time zone of each site',
    ],
    [
      'a site without a zone, and a zone without a site',
      'spec:\n',
      'spec:\n  cohort: {factories: [plant-a]}\n  schedule: {tz: factory, sites: {plant-b: UTC}, freeze: [2026-12-24]}\n',
      'has no time zone for plant-a\nr.yaml:6:44 spec.schedule.sites.plant-b: "plant-b" is not among cohort.factories',
    ],
    [
      'a window that is none',
      'spec:\n',
      'spec:\n  schedule: {tz: UTC, windows: [weekends]}\n',
      'spec.schedule.windows[0]: must be',
    ],
    [
      'an unknown word for a breach',
      'spec:\n',
      'spec:\n  abort: {onBreach: stop}\n',
      'must be one of "rollback", "freeze", "hold"',
    ],
    [
      'somebody to ask who is nobody',
      'spec:\n',
      'spec:\n  promotion: {inconclusive: {page: everybody}}\n',
      'must be one of "primary", "backup", "both"',
    ],
    ['a repeated key', 'kind: Rollout\n', 'kind: Rollout\nkind: Rollout\n', 'not YAML'],
    ['a wrong duration', 'bake: 60m', 'bake: 1 hour', 'spec.stages[1].bake: must be a duration'],
    ['a wrong extension', '2x30m', 'twice', 'spec.stages[1].extend: must be such as "2x30m"'],
    ['minimum of a wrong type', 'baseDetections: 12', 'baseDetections: many', 'must be a number, not "many"'],
  ])('refuses %s', (_name, from, to, message) => {
    expect(changed(from, to).join('\n')).toContain(message);
  });

  it('refuses an empty file and a huge one in a sentence', () => {
    expect(problemsOf('')).toHaveLength(1);
    expect(problemsOf('#'.repeat(70_000))[0]).toContain('larger than');
  });

  it('does not follow an alias bomb', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n`;
    expect(problemsOf(bomb)[0]).toContain('not YAML');
  });
});

describe('expandGuardrails', () => {
  it('makes one guardrail per class with its own minimum, and refuses classes the candidate does not know', () => {
    const result = readRolloutFile(GOOD);
    if (!result.ok) throw new Error('the example must be read');
    const { guardrails, problems } = expandGuardrails(result.value.spec, ['dent', 'micro-crak']);
    expect(guardrails.map(({ id }) => id)).toEqual(['p95', 'lost/dent', 'lost/micro-crack']);
    expect(guardrails[0]).toMatchObject({ forMs: 300_000, title: 'p95 latency', limitText: '≤ +10 %' });
    expect(guardrails[2]?.minimum).toMatchObject({ baseDetections: 12, devices: 2 });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain('did you mean "micro-crak"');
  });
});

describe('the lease section', () => {
  const withLease = (lease: string) => changed('\n  stages:', `\n  lease: ${lease}\n  stages:`);

  it('is 15 minutes and back to the baseline when nothing is said', () => {
    const result = readRolloutFile(GOOD);
    if (!result.ok) throw new Error(problemsOf(GOOD).join('\n'));
    const { lease, requireWarm } = result.value.spec;
    expect({ lease, requireWarm }).toEqual({
      lease: { ttl: 900_000, onLapse: 'revert', sites: {} },
      requireWarm: false,
    });
  });

  it('says what holds at each site, and in words', () => {
    const text = GOOD.replace(
      '\n  stages:',
      '\n  lease: {ttl: 1h, sites: {plant-b: {onLapse: hold}, plant-c: {ttl: 2m}}}\n  stages:',
    );
    const result = readRolloutFile(text);
    if (!result.ok) throw new Error(problemsOf(text).join('\n'));
    const { lease } = result.value.spec;
    expect(leaseTermsAt(lease, 'plant-a')).toEqual({ ttlMs: 3_600_000, onLapse: 'revert' });
    expect(leaseTermsAt(lease, 'plant-b')).toEqual({ ttlMs: 3_600_000, onLapse: 'hold' });
    expect(leaseTermsAt(lease, 'plant-c')).toEqual({ ttlMs: 120_000, onLapse: 'revert' });
    expect(describeLease(lease)).toBe(
      'a device that hears nothing goes back to its baseline after 1h; plant-b: goes on with the candidate; plant-c: goes back to its baseline after 2m',
    );
    expect(leaseWarnings(lease)).toEqual([]);
    expect(leaseWarnings({ ...lease, ttl: 4000 })).toEqual([
      expect.stringContaining('leases of 4s are for rehearsals'),
    ]);
  });

  it('is refused at the place of each mistake', () => {
    expect(withLease('{ttl: 15, onLapse: keep, site: {}}')).toEqual([
      expect.stringMatching(/spec\.lease\.ttl: must be a text, not 15/),
      expect.stringMatching(/spec\.lease\.onLapse: must be one of "revert", "hold", not "keep"/),
      expect.stringMatching(/spec\.lease\.site: unknown field \(did you mean "sites"\?\)/),
    ]);
    expect(withLease('{ttl: 2d}')).toEqual([expect.stringMatching(/spec\.lease\.ttl: must be from 1m to 1d/)]);
    expect(withLease('{sites: {plant-a: {onlapse: hold}}}')).toEqual([
      expect.stringMatching(/spec\.lease\.sites\.plant-a\.onlapse: unknown field \(did you mean "onLapse"\?\)/),
    ]);
    expect(withLease('{sites: {Plant A: {onLapse: hold}}}')).toEqual([expect.stringMatching(/spec\.lease\.sites/)]);
  });

  it('knows only sites that take part', () => {
    expect(
      changed(
        '\n  stages:',
        '\n  cohort: {factories: [plant-a]}\n  lease: {sites: {plant-b: {onLapse: hold}}}\n  stages:',
      ),
    ).toEqual([expect.stringMatching(/spec\.lease\.sites\.plant-b: "plant-b" is not among cohort\.factories/)]);
  });
});
