// `?selector=`: which devices, in the words that people know from other tools. A closed grammar, never evaluated.
//   selector := clause {"," clause}
//   clause   := ["!"] "online" | FIELD ("=" | "==" | "!=") WORD | FIELD ("in" | "notin") "(" WORD {"," WORD} ")"
import { suggestion } from '../rollout/nearest-word.ts';

const WORD_FIELDS = ['site', 'device', 'hw', 'line', 'release'] as const;
export type SelectorField = (typeof WORD_FIELDS)[number];

export type SelectorClause =
  | { readonly kind: 'online'; readonly isWanted: boolean }
  | {
      readonly kind: 'words';
      readonly field: SelectorField;
      readonly isWanted: boolean;
      readonly words: readonly string[];
    };

export type Selector = readonly SelectorClause[];

export type ParsedSelector =
  | { readonly ok: true; readonly selector: Selector }
  | { readonly ok: false; readonly message: string };

/** Null: not known, which never fits. `release`: the id of what answers there, also without its data tag. */
export type SelectorFacts = Readonly<Record<SelectorField, string | null>> & { readonly online: boolean };

export const SELECTOR_CHARACTERS_MAX = 1000;
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.:+=-]*$/;

export function parseSelector(text: string): ParsedSelector {
  const clauses: SelectorClause[] = [];
  for (const part of partsOf(text)) {
    const clause = readClause(part.trim());
    if (typeof clause === 'string') return { ok: false, message: clause };
    clauses.push(clause);
  }
  return { ok: true, selector: clauses };
}

export function isSelected(selector: Selector, facts: SelectorFacts): boolean {
  return selector.every((clause) => {
    if (clause.kind === 'online') return facts.online === clause.isWanted;
    const value = facts[clause.field];
    if (value === null) return false;
    const isNamed = clause.words.some((word) => word === value || isShortOf(clause.field, word, value));
    return isNamed === clause.isWanted;
  });
}

function isShortOf(field: SelectorField, word: string, value: string): boolean {
  return field === 'release' && value.startsWith(`${word}+data=`);
}

/** At commas, but for those in brackets. */
function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of text) {
    depth += character === '(' ? 1 : character === ')' ? -1 : 0;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part];
}

/** A text is what is wrong with it. */
function readClause(text: string): SelectorClause | string {
  const online = /^(!|not\s+)?\s*online$/.exec(text);
  if (online) return { kind: 'online', isWanted: online[1] === undefined };
  const one = /^([A-Za-z_]+)\s*(==?|!=)\s*(\S+)$/.exec(text);
  if (one) return readWords(text, { field: one[1] ?? '', isWanted: one[2] !== '!=', words: [one[3] ?? ''] });
  const many = /^([A-Za-z_]+)\s+(in|notin|not\s+in)\s*\(([^()]*)\)$/.exec(text);
  if (many) {
    const words = (many[3] ?? '').split(',').map((word) => word.trim());
    return readWords(text, { field: many[1] ?? '', isWanted: many[2] === 'in', words });
  }
  return `"${text}" is no clause: write site=a, hw!=orin, line in (1,2), hw notin (nano) or online`;
}

type Read = { readonly field: string; readonly isWanted: boolean; readonly words: readonly string[] };

function readWords(text: string, { field, isWanted, words }: Read): SelectorClause | string {
  const known = WORD_FIELDS.find((name) => name === field);
  if (known === undefined) {
    const names = [...WORD_FIELDS, 'online'];
    return `unknown field "${field}"${suggestion(field, names)}; known: ${names.join(', ')}`;
  }
  const wrong = words.find((word) => !WORD.test(word));
  if (wrong !== undefined) return `"${wrong}" in "${text}" is no name`;
  return { kind: 'words', field: known, isWanted, words };
}
