// A release as rows of a card, and two of them side by side. Decisions and texts only.

import type { LiveDevice } from '../../../../shared/protocol/api-live.ts';
import type { Release, ReleaseSummary } from '../../../../shared/protocol/api-releases.ts';
import type { Manifest } from '../../../../shared/release/manifest.ts';
import { bytesText } from '../device/device-words.ts';
import { countText, numberText, timeText } from '../parts/words.ts';

export type CardRow = { readonly group: string; readonly name: string; readonly value: string };

/** The manifest was parsed when it was registered. */
function manifestOf(release: Release): Manifest {
  return release.manifest as unknown as Manifest;
}

export function cardRows(release: Release): readonly CardRow[] {
  const manifest = manifestOf(release);
  return [
    ...rowsOf('Card', [
      ['Task', release.task],
      ['Owner', release.owner],
      ['What is new', release.changelog],
      ['State', release.state],
      ['Registered', `${timeText(release.registeredAtMs)} by ${release.registeredBy}`],
    ]),
    ...ownCardRows(release),
    ...rowsOf('Lineage', [
      ['Parent', manifest.provenance.parent ?? 'none'],
      ['Replaces', manifest.compat?.replaces ?? 'nothing'],
      ['Code', manifest.provenance.codeCommit],
      ['Data', `${manifest.provenance.dataTag} (${manifest.provenance.dataSha256.slice(0, 12)})`],
      ['Training configuration', manifest.provenance.trainConfigSha256.slice(0, 12)],
      ['Made', timeText(manifest.provenance.createdAtMs)],
    ]),
    ...contractRows(manifest),
    ...metricRows(manifest),
    ...rowsOf('Files', [
      ['Digest', release.digest],
      ...manifest.files.map(
        ({ path, role, bytes, sha256 }) => [path, `${role}, ${bytesText(bytes)}, ${sha256}`] as const,
      ),
    ]),
  ];
}

/** What its README.md says in front; nothing where it was registered without one. */
function ownCardRows({ card }: Release): readonly CardRow[] {
  if (card === null) return [];
  const said: readonly (readonly [string, readonly string[]])[] = [
    ['Licence', card.license],
    ['Data sets', card.datasets],
    ['Made from', card.baseModels],
    ['Tags', card.tags],
    ['Results', card.results.map(({ metric, value, dataset }) => `${metric} ${value} on ${dataset}`)],
  ];
  const known = said.filter(([, values]) => values.length > 0);
  return rowsOf(
    'Model card',
    known.map(([name, values]) => [name, values.join(', ')]),
  );
}

function contractRows({ input, outputs, labels, runtime, limits }: Manifest): readonly CardRow[] {
  return rowsOf('Contract', [
    ['Input', `${input.name}: ${input.dtype} ${input.layout} ${input.shape.join('×')}, ${input.color}, ${input.fit}`],
    ...outputs.map(
      ({ name, role, dtype, shape }) => [`Output ${name}`, `${role}: ${dtype} ${shape.join('×')}`] as const,
    ),
    ['Labels', labels.map(({ name, critical }) => (critical ? `${name} (critical)` : name)).join(', ')],
    ['Runtime', `${runtime.kind} ≥ ${runtime.min}, opset ${runtime.opset.join('–')}, ${runtime.precision}`],
    ['Providers', `${runtime.providers.join(', ')}${runtime.allowCpuFallback ? ', CPU allowed' : ', no falling back'}`],
    ['Memory', `${limits.memoryMb} MB`],
    ['Cold start', `at most ${limits.coldMs.toLocaleString('en')} ms`],
  ]);
}

/** `recall micro-crack small` → `0.82 (91 objects)`. */
function metricRows({ metrics }: Manifest): readonly CardRow[] {
  const values = metrics.values.map((one) => {
    const name = [one.metric, one.class, one.size].filter((part) => part !== undefined).join(' ');
    return [name, `${numberText(one.value)} (${countText(one.count, 'object')})`] as const;
  });
  return rowsOf('Metrics', [['Set', `${metrics.set}: ${metrics.note}`], ...values]);
}

function rowsOf(group: string, rows: readonly (readonly [string, string])[]): readonly CardRow[] {
  return rows.map(([name, value]) => ({ group, name, value }));
}

export type ComparedRow = {
  readonly group: string;
  readonly name: string;
  /** Null: only the other has it. */
  readonly left: string | null;
  readonly right: string | null;
  readonly differs: boolean;
};

/** Row by row, in the order of the left one; what only the right one has comes at the end of its group. */
export function compareCards(left: readonly CardRow[], right: readonly CardRow[]): readonly ComparedRow[] {
  const groups = [...new Set([...left, ...right].map(({ group }) => group))];
  return groups.flatMap((group) => {
    const [here, there] = [left, right].map(
      (rows) => new Map(rows.filter((row) => row.group === group).map(({ name, value }) => [name, value])),
    );
    const names = [...new Set([...(here?.keys() ?? []), ...(there?.keys() ?? [])])];
    return names.map((name) => {
      const [a, b] = [here?.get(name) ?? null, there?.get(name) ?? null];
      return { group, name, left: a, right: b, differs: a !== b };
    });
  });
}

export type RunningRow = { readonly site: string; readonly devices: number; readonly onTrial: number };

/** Where it answers now, by site; the most first. */
export function runningWhere(devices: readonly LiveDevice[], release: string): readonly RunningRow[] {
  const sites = Map.groupBy(
    devices.filter((device) => device.release === release),
    ({ site }) => site,
  );
  return [...sites]
    .map(([site, members]) => ({
      site,
      devices: members.length,
      onTrial: members.filter(({ role }) => role !== 'baseline').length,
    }))
    .sort((a, b) => b.devices - a.devices);
}

export type StateAct = {
  readonly state: 'archived' | 'withdrawn' | 'registered';
  readonly word: string;
  /** The same on the command line. */
  readonly verb: 'archive' | 'withdraw' | 'restore';
  readonly says: string;
};

/** What can be made of it now. A stable or candidate release is a rollout's; the server refuses what would hurt. */
export function stateActs({ id, state }: Pick<ReleaseSummary, 'id' | 'state'>): readonly StateAct[] {
  const back: StateAct = {
    state: 'registered',
    word: 'Take it back',
    verb: 'restore',
    says: `Let ${id} be rolled out again`,
  };
  if (state === 'archived' || state === 'withdrawn') return [back];
  return [
    {
      state: 'archived',
      word: 'Archive',
      verb: 'archive',
      says: `Archive ${id}: it stays where it runs, and no rollout may start with it`,
    },
    {
      state: 'withdrawn',
      word: 'Withdraw',
      verb: 'withdraw',
      says: `Withdraw ${id}: it is bad, and no rollout may start with it`,
    },
  ];
}

const STATE_MARKS: Readonly<Record<ReleaseSummary['state'], string>> = {
  registered: '○ registered',
  candidate: '◐ candidate',
  stable: '● stable',
  archived: '▫ archived',
  withdrawn: '✕ withdrawn',
};

export function stateText(state: ReleaseSummary['state']): string {
  return STATE_MARKS[state];
}
