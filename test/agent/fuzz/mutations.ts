// What can happen to a file or a message: any bytes, a valid one with its bytes damaged, a valid one with its values replaced
// by what a careless or hostile writer would put there.
import fc from 'fast-check';

/** How often a property is tried: thousands of cases in seconds. */
export const MANY = { numRuns: 2000 };

const LONG = 'x'.repeat(20_000);

/** Values that programs trip over. */
export const NASTY: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  2 ** 31,
  Number.MAX_SAFE_INTEGER,
  '',
  ' ',
  '0',
  'NaN',
  'Infinity',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '/',
  '\u0000',
  '\ud800',
  '\u001b[2J',
  'a\nb',
  LONG,
  [],
  {},
  [null],
  [[]],
  { length: -1 },
  { toString: null, valueOf: null },
  deep(100),
];

/** `levels` arrays inside one another. */
export function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

/** JSON text that is deeper than any stack; JSON.stringify could not write it. */
export function deepText(levels: number, open = '[', close = ']'): string {
  return `${open.repeat(levels)}1${close.repeat(levels)}`;
}

type Change = {
  readonly at: number;
  readonly what: 'flip' | 'cut' | 'insert' | 'double' | 'zero';
  readonly size: number;
};

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  what: fc.constantFrom('flip' as const, 'cut' as const, 'insert' as const, 'double' as const, 'zero' as const),
  size: fc.integer({ min: 1, max: 64 }),
});

/** The bytes of a valid file, damaged in one to four places, or any bytes at all. */
export function damaged(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce<Uint8Array>(applyChange, valid));
  const truncated = fc.nat(Math.max(1, valid.length)).map((length) => valid.slice(0, length));
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 2, arbitrary: truncated },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  );
}

function applyChange(bytes: Uint8Array, { at, what, size }: Change): Uint8Array {
  const from = Math.floor(at * bytes.length);
  const to = Math.min(bytes.length, from + size);
  const [head, middle, tail] = [bytes.slice(0, from), bytes.slice(from, to), bytes.slice(to)];
  if (what === 'flip')
    return join(
      head,
      Uint8Array.from(middle, (byte, i) => (i === 0 ? byte ^ (1 << (size % 8)) : byte)),
      tail,
    );
  if (what === 'cut') return join(head, tail);
  if (what === 'zero') return join(head, new Uint8Array(middle.length), tail);
  if (what === 'double') return join(head, middle, middle, tail);
  return join(
    head,
    Uint8Array.from({ length: size }, (_, i) => (size * 31 + i * 97) % 256),
    middle,
    tail,
  );
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

type Edit = {
  readonly pick: number;
  readonly what: 'replace' | 'delete' | 'add' | 'repeat';
  readonly value: unknown;
  readonly key: string;
};

const edit: fc.Arbitrary<Edit> = fc.record({
  pick: fc.nat(10_000),
  what: fc.constantFrom('replace' as const, 'replace' as const, 'delete' as const, 'add' as const, 'repeat' as const),
  value: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...NASTY) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  ),
  key: fc.constantFrom('__proto__', 'constructor', 'toString', 'newField', 'v', ''),
});

/** A valid document with one to three of its values replaced, removed, added or repeated. */
export function edited(valid: unknown): fc.Arbitrary<unknown> {
  return fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => edits.reduce(applyEdit, clone(valid)));
}

/** As it would be read from its text, where `__proto__` is a name like any other. */
export function clone(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
}

function applyEdit(document: unknown, { pick, what, value: drawn, key }: Edit): unknown {
  const value = clone(drawn);
  const places = placesIn(document);
  if (places.length === 0) return value;
  const { owner, name } = places[pick % places.length] as Place;
  if (what === 'delete') {
    if (Array.isArray(owner)) owner.splice(Number(name), 1);
    else delete owner[name];
  } else if (what === 'add' && !Array.isArray(owner)) {
    Object.defineProperty(owner, key, { value, enumerable: true, configurable: true, writable: true });
  } else if (what === 'repeat' && Array.isArray(owner)) owner.push(...copiesOf(owner[Number(name)], 1 + (pick % 1500)));
  else Object.defineProperty(owner, name, { value, enumerable: true, configurable: true, writable: true });
  return document;
}

/** What three edits may make of a document: repeats of repeats would be half a gigabyte, which no door here lets in. */
const REPEATED_CHARS_MAX = 200_000;

/** Copies, not the value itself: an edit of one of them is no edit of all. */
function copiesOf(value: unknown, wanted: number): readonly unknown[] {
  const text = JSON.stringify(value) ?? 'null';
  const count = Math.min(wanted, Math.floor(REPEATED_CHARS_MAX / text.length));
  return Array.from({ length: count }, () => JSON.parse(text) as unknown);
}

type Owner = Record<string, unknown> | unknown[];
type Place = { readonly owner: Record<string, unknown> & unknown[]; readonly name: string };

function placesIn(value: unknown, depth = 0): Place[] {
  if (typeof value !== 'object' || value === null || depth > 8) return [];
  const owner = value as Owner as Record<string, unknown> & unknown[];
  return Object.keys(value).flatMap((name) => [{ owner, name }, ...placesIn(owner[name], depth + 1)]);
}

/** JSON texts of a document whose values were edited, or whose bytes were damaged, with the oddities of text formats. */
export function damagedJson(valid: unknown): fc.Arbitrary<Uint8Array> {
  const text = JSON.stringify(valid);
  const odd = [
    '',
    'null',
    '[]',
    '{}',
    '"',
    `\ufeff${text}`,
    `${text}${text}`,
    text.replace('{', '{"__proto__":{"polluted":1},'),
    text.replace('}', ',"v":2,"v":3}'),
    text.replace(/\d+/, '1e999'),
    text.replace(/\d+/, '9'.repeat(400)),
    deepText(20_000),
    deepText(20_000, '{"a":', '}'),
    `{"v":${deepText(20_000)}}`,
  ].map((oddity) => Buffer.from(oddity));
  return fc.oneof(
    { weight: 4, arbitrary: damaged(Buffer.from(text)) },
    { weight: 5, arbitrary: edited(valid).map((value) => Buffer.from(JSON.stringify(value) ?? 'null')) },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}
