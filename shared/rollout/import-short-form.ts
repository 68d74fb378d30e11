// Reads the common short form of a staged rollout (`service`, `versions`, `rollout_stages`, `metrics_guardrails`) and writes it
// as a rollout file, with a line for every field: what it became, or why it could not. Nothing is left out in silence.
import { parseDocument } from 'yaml';
import { parseDuration } from './durations.ts';
import { SCHEMA_FILE_NAME } from './presets.ts';
import { translateGuardrail } from './short-form-guardrails.ts';

export type ImportNote = {
  /** `rollout_stages[0]`; empty for what was added. */
  readonly field: string;
  /** What it became; null: not translated. */
  readonly to: string | null;
  readonly reason: string;
};

export type Imported =
  | { readonly ok: true; readonly text: string; readonly notes: readonly ImportNote[] }
  | { readonly ok: false; readonly reason: string };

/** What the short form may leave open. */
export type ImportOptions = { readonly owner?: string; readonly backup?: string; readonly name?: string };

type Raw = Readonly<Record<string, unknown>>;
/** Lines of one section, and what is said about its fields. */
type Part = { readonly lines: readonly string[]; readonly notes: readonly ImportNote[] };

const STAGE_MINUTES_ASSUMED = '60m';
const LAST_STAGE_ASSUMED = '1d';

export function importShortForm(text: string, options: ImportOptions = {}): Imported {
  const document = parseDocument(text, { prettyErrors: false });
  const error = document.errors[0];
  if (error) return { ok: false, reason: `not YAML: ${error.message}` };
  const raw: unknown = document.toJS({ maxAliasCount: 100 });
  if (!isMap(raw)) return { ok: false, reason: 'not a map of fields' };
  if (raw.apiVersion !== undefined) return { ok: false, reason: 'has an apiVersion: not the short form' };
  if (raw.rollout_stages === undefined && raw.metrics_guardrails === undefined)
    return { ok: false, reason: 'has neither rollout_stages nor metrics_guardrails: not the short form' };
  const parts = {
    candidate: importCandidate(raw),
    owners: importOwners(raw, options),
    cohort: importCohort(raw),
    stages: importStages(raw.rollout_stages),
    guardrails: importGuardrails(raw),
  };
  const notes = [...Object.values(parts).flatMap((part) => part.notes), ...unknownFields(raw)];
  const name = options.name ?? (typeof raw.name === 'string' ? raw.name : `${slug(raw.service)}-imported`);
  return { ok: true, text: fileText(name, parts, notes), notes };
}

function fileText(name: string, parts: Readonly<Record<string, Part>>, notes: readonly ImportNote[]): string {
  const section = (title: string, key: string) => {
    const lines = parts[key]?.lines ?? [];
    return lines.length === 0 ? [] : [`  ${title}:`, ...lines.map((line) => `    ${line}`)];
  };
  const lost = notes.filter(({ to }) => to === null);
  return `${[
    `# yaml-language-server: $schema=${SCHEMA_FILE_NAME}`,
    '# Translated from the short form. Read it before it is started: belay rollout lint FILE, belay rollout plan FILE',
    ...lost.map(({ field, reason }) => `# Not translated: ${field}: ${reason}`.replaceAll(/\s+/g, ' ')),
    'apiVersion: belay/v1',
    'kind: Rollout',
    `metadata: {name: ${name === slug(name) ? name : JSON.stringify(name)}}`,
    'spec:',
    ...(parts.candidate?.lines ?? []).map((line) => `  ${line}`),
    '  baseline: stable',
    ...section('owners', 'owners'),
    ...section('cohort', 'cohort'),
    ...section('stages', 'stages'),
    ...section('guardrails', 'guardrails'),
  ].join('\n')}\n`;
}

type Version = { readonly name: string; readonly weight: number; readonly at: number };

/** The version with the smaller share is the candidate; the other one is what the devices run. */
function importCandidate(raw: Raw): Part {
  const versions = listOf(raw.versions).flatMap((item, at): Version[] =>
    isMap(item) && typeof item.name === 'string' ? [{ name: item.name, weight: Number(item.weight ?? 0), at }] : [],
  );
  const [candidate, ...others] = versions.toSorted((a, b) => a.weight - b.weight || b.at - a.at);
  const version = candidate === undefined ? null : versionOf(candidate.name);
  if (candidate === undefined || version === null) {
    const why = candidate ? `"${candidate.name}" holds no version such as 1.5.0` : 'no version is named';
    return { lines: ['candidate: ""'], notes: [note('versions', null, `${why}: write spec.candidate`)] };
  }
  const release = `${slug(raw.service)}:${version}`;
  const weights = versions.reduce((sum, { weight }) => sum + weight, 0);
  return {
    lines: [`candidate: ${JSON.stringify(release)}`],
    notes: [
      note('service', `spec.candidate: ${release}`, 'the name of the model'),
      note(`versions[${candidate.at}]`, `spec.candidate: ${release}`, 'the smaller share'),
      ...others.map(({ at }) =>
        note(`versions[${at}]`, 'spec.baseline: stable', 'what each device runs now is recorded'),
      ),
      ...(weights === 100 || weights === 1
        ? []
        : [note('versions', 'spec.stages', `shares add up to ${weights}; stages say who gets what`)]),
    ],
  };
}

/** `v1-5-0`, `1.5.0`, `release_1_5` → `1.5.0`; the patch may be left out. */
function versionOf(name: string): string | null {
  const match = /(\d{1,6})[-._](\d{1,6})(?:[-._](\d{1,6}))?$/.exec(name);
  return match ? [match[1], match[2], match[3] ?? '0'].map(Number).join('.') : null;
}

function importOwners(raw: Raw, options: ImportOptions): Part {
  const given = isMap(raw.owners) ? raw.owners : {};
  const primary = options.owner ?? textOf(raw.owner) ?? textOf(given.primary);
  const backup = options.backup ?? textOf(raw.backup) ?? textOf(given.backup);
  const say = (field: string, value: string | null, flag: string) =>
    note(field, `spec.owners.${field}: ${value ?? '""'}`, value === null ? `not said: name one, or give ${flag}` : '');
  return {
    lines: [`primary: ${JSON.stringify(primary ?? '')}`, `backup: ${JSON.stringify(backup ?? '')}`],
    notes: [say('primary', primary, '--owner'), say('backup', backup, '--backup')],
  };
}

function importCohort(raw: Raw): Part {
  const key = ['factories', 'sites'].find((name) => raw[name] !== undefined);
  const names = key === undefined ? [] : listOf(raw[key]).filter((name) => typeof name === 'string');
  const sticky = Object.keys(raw).filter((name) => STICKY.test(name));
  return {
    lines: names.length === 0 ? [] : [`factories: ${JSON.stringify(names)}`],
    notes: [
      ...(key === undefined
        ? []
        : [
            note(
              key,
              names.length === 0 ? null : 'spec.cohort.factories',
              names.length === 0 ? 'no list of names' : '',
            ),
          ]),
      ...sticky.map((name) => note(name, 'spec.cohort', 'always so: a device keeps its place for the whole rollout')),
    ],
  };
}

const STICKY = /^sticky/;

function importStages(written: unknown): Part {
  const stages = listOf(written).map((item, at) => importStage(item, at));
  const last = stages.findLast(({ percent }) => percent !== null)?.percent ?? 0;
  const added: Part[] =
    last === 100
      ? []
      : [
          {
            lines: [`- {name: full, percent: 100, bake: ${LAST_STAGE_ASSUMED}}`],
            notes: [
              note(
                '',
                'spec.stages: full',
                `added: a rollout ends with every device on the candidate; ${LAST_STAGE_ASSUMED} to watch them`,
              ),
            ],
          },
        ];
  const all = [...stages, ...added];
  return { lines: all.flatMap((stage) => stage.lines), notes: all.flatMap((stage) => stage.notes) };
}

const STAGE_FIELDS = new Set(['weight', 'percent', 'duration', 'name', 'mode', 'shadow']);

function importStage(item: unknown, at: number): Part & { readonly percent: number | null } {
  const field = `rollout_stages[${at}]`;
  const raw: Raw = isMap(item) ? item : {};
  const percent = percentOf(raw.weight ?? raw.percent);
  const isShadow = raw.shadow === true || raw.mode === 'shadow';
  if (percent === null || (percent === 0 && !isShadow))
    return { percent: null, lines: [], notes: [note(field, null, 'expected a weight from 1 to 100')] };
  const name = typeof raw.name === 'string' ? slug(raw.name) : isShadow ? `shadow-${at + 1}` : `step-${at + 1}`;
  const share = isShadow && percent === 0 ? 100 : percent;
  const bake = durationOf(raw.duration);
  const stage = `{name: ${name}, percent: ${share},${isShadow ? ' mode: shadow,' : ''} bake: ${bake ?? STAGE_MINUTES_ASSUMED}}`;
  const others = Object.keys(raw).filter((key) => !STAGE_FIELDS.has(key));
  return {
    percent: isShadow ? null : percent,
    lines: [`- ${stage}`],
    notes: [
      note(field, stage, bake === null ? `no duration such as 60m: ${STAGE_MINUTES_ASSUMED} assumed` : ''),
      ...others.map((key) => note(`${field}.${key}`, null, 'no such field of a stage')),
    ],
  };
}

function importGuardrails(raw: Raw): Part {
  const written = raw.metrics_guardrails;
  if (!isMap(written))
    return {
      lines: [],
      notes: written === undefined ? [] : [note('metrics_guardrails', null, 'expected a map of names and limits')],
    };
  const lastsKey = ['breach_duration', 'rollback_after'].find((key) => durationOf(raw[key]) !== null);
  const lasts = lastsKey === undefined ? '' : ` for ${durationOf(raw[lastsKey])}`;
  const rollsBack = raw.auto_rollback !== false;
  const enforce = rollsBack ? 'rollback' : 'hold';
  const used = new Set<string>();
  const lines: string[] = [];
  const notes = Object.entries(written).map(([name, limit]) => {
    const field = `metrics_guardrails.${name}`;
    const translated = translateGuardrail(name, limit);
    if (translated.to === null) return note(field, null, translated.reason);
    const id = used.has(translated.id) ? `${translated.id}-${used.size + 1}` : translated.id;
    used.add(id);
    lines.push(`- {id: ${id}, expr: "${translated.to}${lasts}", enforce: ${enforce}}`);
    return note(field, `${translated.to}${lasts}, enforce: ${enforce}`, '');
  });
  if (lastsKey !== undefined) notes.push(note(lastsKey, `spec.guardrails[].expr:${lasts}`, ''));
  if (raw.auto_rollback !== undefined) notes.push(note('auto_rollback', `spec.guardrails[].enforce: ${enforce}`, ''));
  return { lines, notes };
}

const KNOWN =
  /^(?:service|name|versions|rollout_stages|metrics_guardrails|owners?|backup|factories|sites|auto_rollback|breach_duration|rollback_after|sticky.*)$/;

function unknownFields(raw: Raw): readonly ImportNote[] {
  return Object.keys(raw)
    .filter((key) => !KNOWN.test(key))
    .map((key) => note(key, null, 'no such field of a rollout file'));
}

function note(field: string, to: string | null, reason: string): ImportNote {
  return { field, to, reason };
}

function percentOf(value: unknown): number | null {
  const percent = typeof value === 'string' ? Number(/^([\d.]+)\s*%?$/.exec(value.trim())?.[1]) : Number(value);
  return percent >= 0 && percent <= 100 ? percent : null;
}

/** As it is written in a rollout file. */
function durationOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value
    .trim()
    .replace(/\s*(?:minutes?|mins?)$/, 'm')
    .replace(/\s*(?:hours?|hrs?)$/, 'h');
  return parseDuration(text) === null ? null : text;
}

/** A name as releases and rollouts have it. */
function slug(value: unknown): string {
  const text = String(value ?? 'model')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '');
  return text === '' ? 'model' : text.slice(0, 30);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isMap(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
