// The cohort-level evaluation of a rollout, or of a release over all its rollouts, as a document.
import { z } from 'zod';
import type { ReleaseReport, ReportSlice, RolloutReport } from '../../shared/protocol/api-reports.ts';
import { describeDuration } from '../../shared/rollout/durations.ts';
import type { Verdict } from '../../shared/rollout/verdict.ts';
import { cardParts } from './card-document.ts';
import { heading, listOr, type Part, tableOr, type WrittenDocument } from './document.ts';
import { count, figure, range, time } from './words.ts';

export function rolloutDocument(report: RolloutReport): WrittenDocument {
  const title = `Rollout ${report.id}: ${report.candidate.release}, ${stateOf(report)}`;
  return { title, parts: [heading(1, title), ...rolloutParts(report)] };
}

export function releaseDocument(report: ReleaseReport): WrittenDocument {
  const title = `Release ${report.release.release}: ${report.state}`;
  const incidents = report.rollouts.reduce((sum, rollout) => sum + rollout.incidents.length, 0);
  return {
    title,
    parts: [
      heading(1, title),
      { kind: 'text', text: report.changelog },
      {
        kind: 'facts',
        facts: [
          ['Digest', report.release.digest],
          ['Owner', report.owner],
          ['Registered', time(report.registeredAtMs)],
          ['Rollouts', `${report.rollouts.length}, with ${count(incidents, 'incident')}`],
        ],
      },
      ...cardParts(report.card),
      heading(2, 'Changelog'),
      listOr(
        'Nothing has been written back yet.',
        report.notes.map(({ atMs, actor, kind, text }) => `${time(atMs)} ${actor}, ${kind}: ${text}`),
      ),
      ...(report.rollouts.length === 0
        ? [{ kind: 'text', text: 'It has not been rolled out yet.' } satisfies Part]
        : []),
      ...report.rollouts.flatMap((rollout) => [
        heading(2, `Rollout ${rollout.id}: ${stateOf(rollout)}`),
        ...rolloutParts(rollout),
      ]),
    ],
  };
}

function stateOf({ state }: RolloutReport): string {
  return state.replaceAll('_', ' ');
}

function rolloutParts(report: RolloutReport): readonly Part[] {
  return [
    { kind: 'text', text: report.summary },
    factsOf(report),
    heading(3, 'Stages'),
    tableOr(
      'None.',
      ['Stage', 'Mode', 'From', 'To', 'Took'],
      report.stages.map(({ name, mode, startedAtMs, endedAtMs }) => [
        name,
        mode,
        startedAtMs === null ? 'not reached' : time(startedAtMs),
        endedAtMs === null ? '–' : time(endedAtMs),
        startedAtMs === null || endedAtMs === null ? '–' : describeDuration(endedAtMs - startedAtMs),
      ]),
    ),
    heading(3, 'Exposure'),
    tableOr(
      'No devices.',
      ['Site', 'Hardware', 'Devices', 'Proved it', 'Shadowed with it', 'Answered with it'],
      report.exposure.map((row) => [
        row.site,
        row.hardwareClass,
        ...[row.devices, row.proved, row.shadowed, row.served].map(String),
      ]),
    ),
    heading(3, 'Guardrails'),
    guardrailTable(report),
    heading(3, 'Cost and business'),
    businessTable(report),
    heading(3, 'By site and hardware'),
    sliceTable(report.slices),
    heading(3, 'Timeline'),
    tableOr(
      'Nothing is on record.',
      ['When', 'Who', 'Decision', 'Stage', 'Why'],
      report.timeline.map(({ atMs, actor, kind, stage, reason }) => [time(atMs), actor, kind, stage, reason]),
    ),
    heading(3, 'Incidents'),
    listOr(
      'None.',
      report.incidents.map((incident) => {
        const plan = incident.rollForward === null ? '' : `; roll forward: ${incident.rollForward.text}`;
        return `${incident.id}, ${incident.kind}, ${time(incident.openedAtMs)}: ${incident.title}${plan}`;
      }),
    ),
  ];
}

function factsOf(report: RolloutReport): Part {
  const { baselines, owners, verification, endedAtMs, startedAtMs } = report;
  const took = endedAtMs === null ? '' : `, took ${describeDuration(endedAtMs - startedAtMs)}`;
  return {
    kind: 'facts',
    facts: [
      ['From', baselines.map(({ release }) => release).join(', ') || 'nothing known'],
      ['Started', `${time(startedAtMs)}${took}`],
      ['Owners', `${owners.primary}, backup ${owners.backup}`],
      ...(verification === null ? [] : [['Verification', verification.sentence] as const]),
      [
        'Reproduce',
        `file ${report.fileHash}, plan ${report.planHash}, statistics ${report.statisticsVersions.join(', ')}`,
      ],
    ],
  };
}

function guardrailTable({ guardrails }: RolloutReport): Part {
  return tableOr(
    'No guardrail was judged.',
    ['Stage', 'Guardrail', 'Limit', 'Estimate', 'Plausible range', 'Devices', 'Controls', 'Verdict', 'In words'],
    guardrails.flatMap(({ stage, verdict }) => [
      [
        stage,
        verdict.title,
        verdict.limitText,
        figure(verdict, verdict.estimate),
        range(verdict),
        String(verdict.n),
        String(verdict.controls),
        verdict.verdict,
        verdict.sentence,
      ],
      ...judgedSlices(stage, verdict),
    ]),
  );
}

/** Parts of the fleet that were judged on their own, where the statistics of that decision did. */
const judgedSlicesSchema = z.looseObject({
  slices: z.array(
    z.looseObject({
      slice: z.string(),
      verdict: z.string(),
      n: z.number(),
      estimate: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
    }),
  ),
});

function judgedSlices(stage: string, verdict: Verdict): readonly (readonly string[])[] {
  const read = judgedSlicesSchema.safeParse(verdict);
  if (!read.success) return [];
  const { limitText, unit } = verdict;
  return read.data.slices.map(({ slice, n, estimate, low, high, verdict: found }) => [
    stage,
    `${verdict.title}, ${slice}`,
    limitText,
    figure(verdict, estimate),
    range({ limitText, unit, low, high }),
    String(n),
    '–',
    found,
    '',
  ]);
}

function businessTable({ business }: RolloutReport): Part {
  return tableOr(
    'Nobody has brought figures in for both sides of the switch (belay metrics import).',
    ['Figure', 'Limit', 'Change', 'Plausible range', 'Devices', 'Controls', 'Alerts reviewed', 'Verdict'],
    business.map((row) => {
      const shown = { ...row, limitText: row.limitText ?? '±' };
      return [
        row.title,
        row.limitText ?? '–',
        figure(shown, row.estimate),
        range(shown),
        String(row.devices),
        String(row.controls),
        row.reviewedShare === null ? '–' : `${Math.round(row.reviewedShare * 100)} %`,
        row.verdict ?? 'shown only',
      ];
    }),
  );
}

function sliceTable(slices: readonly ReportSlice[]): Part {
  return tableOr(
    'No evidence by device is on record.',
    [
      'Site',
      'Hardware',
      'Stage',
      'Guardrail',
      'Limit',
      'Estimate',
      'Devices from … to',
      'Devices',
      'Controls',
      'Within',
    ],
    slices
      .toSorted((a, b) => compare(placeOf(a), placeOf(b)))
      .map((slice) => [
        slice.site,
        slice.hardwareClass,
        slice.stage,
        slice.title,
        slice.limitText,
        figure(slice, slice.estimate),
        range(slice),
        String(slice.devices),
        String(slice.controls),
        slice.within === null ? '–' : slice.within ? 'yes' : 'NO',
      ]),
  );
}

function placeOf({ site, hardwareClass }: ReportSlice): string {
  return `${site}\u0000${hardwareClass}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
