// `cohort.where`: which devices take part, by what is known of them when the rollout is planned. A closed grammar, never evaluated.
//   where  := clause {"and" clause}
//   clause := ["not"] "online" | FIELD ["not"] "in" "[" WORD {"," WORD} "]" | FIELD "=" WORD | "battery" (">=" | "<=" | ">" | "<") NUMBER
import { suggestion } from './nearest-word.ts';

const WORD_FIELDS = ['hw', 'site', 'line'] as const;
type WordField = (typeof WORD_FIELDS)[number];
const RELATIONS = ['>=', '<=', '>', '<'] as const;
type Relation = (typeof RELATIONS)[number];

export type Clause =
  | { readonly kind: 'online'; readonly isWanted: boolean }
  | { readonly kind: 'in'; readonly field: WordField; readonly isWanted: boolean; readonly words: readonly string[] }
  | { readonly kind: 'battery'; readonly relation: Relation; readonly value: number };

/** Null: not known, which never fits. */
export type WhereFacts = {
  readonly hw: string | null;
  readonly site: string;
  readonly line: string | null;
  readonly online: boolean;
  /** In percent. */
  readonly battery: number | null;
};

export type ParsedWhere =
  | { readonly ok: true; readonly clauses: readonly Clause[] }
  /** `column` is 1-based. */
  | { readonly ok: false; readonly column: number; readonly message: string };

const CHARACTERS_MAX = 500;
const FIELDS = [...WORD_FIELDS, 'online', 'battery'];
/** Asked for elsewhere, and not known when a rollout is planned. */
const UNKNOWN: Readonly<Record<string, string>> = {
  disk_free_gb: 'free disk is not reported; a device without room for the candidate says so and is left where it is',
};

class WhereMistake extends Error {
  readonly column: number;

  constructor({ column }: Token, message: string) {
    super(message);
    this.column = column;
  }
}

export function parseWhere(text: string): ParsedWhere {
  if (text.length > CHARACTERS_MAX)
    return { ok: false, column: 1, message: `must be at most ${CHARACTERS_MAX} characters` };
  try {
    return { ok: true, clauses: new WhereReader(tokensOf(text)).read() };
  } catch (error) {
    if (error instanceof WhereMistake) return { ok: false, column: error.column, message: error.message };
    throw error;
  }
}

/** Why a device takes no part, in words; null when it does. */
export function whyNotWhere(clauses: readonly Clause[], facts: WhereFacts): string | null {
  for (const clause of clauses) {
    const why = whyNotClause(clause, facts);
    if (why !== null) return `where: ${why}`;
  }
  return null;
}

function whyNotClause(clause: Clause, facts: WhereFacts): string | null {
  if (clause.kind === 'online') {
    if (facts.online === clause.isWanted) return null;
    return facts.online ? 'is online' : 'is not online';
  }
  if (clause.kind === 'battery') return whyNotBattery(clause, facts.battery);
  const value = facts[clause.field];
  if (value === null) return `its ${clause.field} is not known`;
  if (clause.words.includes(value) === clause.isWanted) return null;
  return `${clause.field} is ${value}${clause.isWanted ? `, not ${clause.words.join(' or ')}` : ''}`;
}

function whyNotBattery(
  { relation, value }: Extract<Clause, { kind: 'battery' }>,
  battery: number | null,
): string | null {
  if (battery === null) return 'its battery is not known';
  const fits = { '>=': battery >= value, '<=': battery <= value, '>': battery > value, '<': battery < value }[relation];
  return fits ? null : `battery is ${Math.round(battery)} %, not ${relation} ${value}`;
}

type Token = { readonly text: string; readonly column: number };

function tokensOf(text: string): readonly Token[] {
  const pattern = /\s*(>=|<=|[<>=[\],]|"[^"]{1,64}"|[A-Za-z0-9][A-Za-z0-9_.-]*)/y;
  const tokens: Token[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const column = at + /^\s*/.exec(text.slice(at))![0].length + 1;
    if (!match) throw new WhereMistake({ text: '', column }, `unexpected character "${text[column - 1]}"`);
    tokens.push({ text: match[1] ?? '', column });
    at = pattern.lastIndex;
  }
  return [...tokens, { text: '', column: text.length + 1 }];
}

class WhereReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): readonly Clause[] {
    const clauses = [this.#clause()];
    while (this.#accept('and')) clauses.push(this.#clause());
    const rest = this.#peek();
    if (rest.text === 'or')
      throw new WhereMistake(rest, 'there is no "or": write "hw in [a, b]", or a rollout for each');
    if (rest.text !== '') throw new WhereMistake(rest, `expected "and", found "${rest.text}"`);
    return clauses;
  }

  #clause(): Clause {
    if (this.#accept('not')) {
      this.#expect('online');
      return { kind: 'online', isWanted: false };
    }
    const token = this.#take('a field such as hw, site, line, online or battery');
    if (token.text === 'online') return { kind: 'online', isWanted: true };
    if (token.text === 'battery') return this.#battery();
    const field = WORD_FIELDS.find((name) => name === token.text);
    if (field !== undefined) return this.#words(field);
    const unknown = UNKNOWN[token.text];
    const known = `unknown field "${token.text}"${suggestion(token.text, FIELDS)}; known: ${FIELDS.join(', ')}`;
    throw new WhereMistake(token, unknown ?? known);
  }

  #battery(): Clause {
    const token = this.#take('">=", "<=", ">" or "<"');
    const relation = RELATIONS.find((known) => known === token.text);
    if (relation === undefined) throw new WhereMistake(token, 'expected ">=", "<=", ">" or "<" and a percentage');
    const number = this.#take('a percentage');
    const value = Number(number.text);
    if (!(value >= 0 && value <= 100)) throw new WhereMistake(number, `must be from 0 to 100, not "${number.text}"`);
    return { kind: 'battery', relation, value };
  }

  #words(field: WordField): Clause {
    if (this.#accept('=')) return { kind: 'in', field, isWanted: true, words: [this.#word()] };
    const isWanted = !this.#accept('not');
    this.#expect('in');
    this.#expect('[');
    const words = [this.#word()];
    while (this.#accept(',')) words.push(this.#word());
    this.#expect(']');
    return { kind: 'in', field, isWanted, words };
  }

  #word(): string {
    const token = this.#take('a name');
    if (!/^["A-Za-z0-9]/.test(token.text)) throw new WhereMistake(token, `expected a name, found "${token.text}"`);
    return token.text.replaceAll('"', '');
  }

  #peek(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)] as Token;
  }

  #accept(text: string): boolean {
    if (this.#peek().text !== text) return false;
    this.#at += 1;
    return true;
  }

  #expect(text: string): void {
    const token = this.#peek();
    if (this.#accept(text)) return;
    throw new WhereMistake(token, `expected "${text}", found ${token.text === '' ? 'the end' : `"${token.text}"`}`);
  }

  #take(what: string): Token {
    const token = this.#peek();
    if (token.text === '') throw new WhereMistake(token, `expected ${what}, found the end`);
    this.#at += 1;
    return token;
  }
}
