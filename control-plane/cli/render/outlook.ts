// The outlook of a plan, as people read it: parity, what each stage can see, the dry run, conflicts, the expected finish. A section is
// a function that gives lines; an empty one is left out.
import type { DryVerdict, Finish, Outlook, OutlookStage, ParityStage } from '../../../shared/rollout/outlook.ts';
import type { Output } from '../output.ts';
import { formatDuration, renderTable } from './table.ts';

type Tint = Output['tint'];
export type OutlookLook = { readonly tint: Tint; readonly reseeded: boolean };

export function renderOutlook(outlook: Outlook, look: OutlookLook): string {
  const sections = [
    renderFinish(outlook.finish),
    renderVisible(outlook),
    renderDryRun(outlook, look.tint),
    renderParity(outlook, look),
    outlook.conflicts.map(({ text, blocks }) => look.tint(blocks ? 'bad' : 'warn', `conflict: ${text}`)).join('\n'),
    outlook.notes.map((note) => `note: ${note}`).join('\n'),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function columns(...titles: readonly string[]) {
  return titles.map((title) => ({ title }));
}

function renderFinish({ stages, soonestAtMs, latestAtMs, zones }: Finish): string {
  if (soonestAtMs === null) return 'Finish    never: the calendar does not open for all of its sites at once';
  const names = [...new Set(Object.values(zones))];
  const people = stages.filter(({ needsPerson }) => needsPerson).map(({ stage }) => stage);
  const waiting = people.length === 0 ? '' : ` and whatever people take for ${people.join(', ')}`;
  const late =
    latestAtMs === null || latestAtMs === soonestAtMs ? '' : ` (every extension used: ${moment(latestAtMs, names)})`;
  const waits = stages.filter((stage) => stage.waits !== null);
  return [
    `Finish    ${moment(soonestAtMs, names)} at the soonest${late}${waiting}`,
    ...waits.map(
      ({ stage, startsAtMs }) => `          ${stage} waits for its calendar until ${moment(startsAtMs, names)}`,
    ),
  ].join('\n');
}

/** In the time of the sites where they share one, else UTC. */
function moment(atMs: number, zones: readonly string[]): string {
  const [zone] = zones;
  const timeZone = zones.length === 1 && zone !== undefined ? zone : 'UTC';
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(atMs);
  return `${text} ${timeZone}`;
}

function renderVisible({ stages }: Outlook): string {
  const shown = stages.filter(({ visible }) => visible.length > 0);
  const ids = [...new Set(shown.flatMap(({ visible }) => visible.map(({ guardrail }) => guardrail)))];
  if (ids.length === 0) return '';
  const reasons = new Map<string, number>();
  const rows = ids.map((id) => [id, ...shown.map((stage) => visibleCell(stage, id, reasons))]);
  return [
    'Smallest regression found in 9 of 10 rollouts',
    renderTable(columns('GUARDRAIL', ...shown.map(({ stage }) => stage.toUpperCase())), rows),
    ...[...reasons].map(([reason, number]) => `  [${number}] ${reason}`),
  ].join('\n');
}

function visibleCell({ visible }: OutlookStage, id: string, reasons: Map<string, number>): string {
  const found = visible.find(({ guardrail }) => guardrail === id);
  if (found === undefined) return '';
  if (found.value !== null) return `${found.basis === 'assumed' ? '≈ ' : ''}${found.text}`;
  const number = reasons.get(found.text) ?? reasons.size + 1;
  reasons.set(found.text, number);
  return `– [${number}]`;
}

function renderDryRun({ stages, recorded }: Outlook, tint: Tint): string {
  const run = stages.flatMap(({ stage, dryRun }) => (dryRun === null ? [] : [{ stage, ...dryRun }]));
  if (run.length === 0)
    return `Dry run   none: ${recorded.windows === 0 ? 'no windows are recorded' : 'too few windows are recorded'}`;
  const count = `${recorded.windows} recorded windows of ${recorded.devices} device${recorded.devices === 1 ? '' : 's'}`;
  return [
    `Dry run   baseline against itself, ${count}`,
    ...run.flatMap(({ stage, fromMs, toMs, verdicts }) => [
      `  ${stage}: ${formatDuration(toMs - fromMs)}, ${summary(verdicts)}`,
      ...verdicts.filter(isTold).map((verdict) => `    ${tint(toneOf(verdict), toldText(verdict))}`),
    ]),
  ].join('\n');
}

function summary(verdicts: readonly DryVerdict[]): string {
  const passed = verdicts.filter(({ verdict, broken }) => verdict === 'pass' && broken === 0).length;
  return `${passed} of ${verdicts.length} would have passed`;
}

function isTold({ verdict, broken }: DryVerdict): boolean {
  return verdict !== 'pass' || broken > 0;
}

function toneOf({ broken }: DryVerdict): 'bad' | 'warn' {
  return broken > 0 ? 'bad' : 'warn';
}

function toldText({ broken, moments, sentence, enforce }: DryVerdict): string {
  if (broken === 0) return sentence;
  return `${sentence} – broken at ${broken} of ${moments} moments, which would ${enforce === 'observe' ? 'be shown' : enforce}: a false alarm`;
}

function renderParity({ parity, reseed }: Outlook, { tint, reseeded }: OutlookLook): string {
  if (parity.length === 0) return '';
  const far = parity.some(({ rows }) => rows.some(({ isFar }) => isFar));
  return [
    'Parity of candidates and controls (standardised difference; ! above 0.25)',
    ...parity.map((stage) => parityTable(stage, tint)),
    ...reseedLines({ far, reseed, reseeded }),
  ].join('\n');
}

function parityTable({ stage, candidates, controls, rows }: ParityStage, tint: Tint): string {
  const head = `  ${stage}: ${candidates} candidate${candidates === 1 ? '' : 's'}, ${controls} controls`;
  if (rows.length === 0) return `${head}: no known trait differs`;
  const cells = rows.map(({ trait, candidates: a, controls: b, difference, isFar }) => [
    `  ${trait}`,
    a,
    b,
    difference === null ? '–' : isFar ? tint('warn', `! ${difference.toFixed(2)}`) : `  ${difference.toFixed(2)}`,
  ]);
  const few =
    candidates < FEW
      ? `\n  ${candidates === 1 ? 'one device cannot be' : 'so few devices are hardly ever'} like all others: each is compared with its own past and with its like`
      : '';
  return `${head}\n${renderTable(columns('  TRAIT', 'CANDIDATES', 'CONTROLS', 'DIFF'), cells)}${few}`;
}

const FEW = 4;

function reseedLines(facts: { far: boolean; reseed: Outlook['reseed']; reseeded: boolean }): readonly string[] {
  const { far, reseed, reseeded } = facts;
  if (reseed !== null)
    return [
      `Reseed    of ${reseed.tried} salts this one is the most alike (largest difference ${reseed.before.toFixed(2)} → ${reseed.after.toFixed(2)}); put it in the file before the start:`,
      `          cohort: {salt: "fixed:${reseed.salt}"}`,
    ];
  if (reseeded) return ['Reseed    no other salt gives cohorts that are more alike'];
  return far ? ['          More alike: belay rollout plan FILE --reseed (before the start, never after)'] : [];
}
