// Tokens of a guardrail expression, each with its column, so that a mistake can be pointed at. Closed alphabet, no eval.

export type Token = {
  readonly kind: 'word' | 'number' | 'symbol' | 'end';
  readonly text: string;
  /** 1-based. */
  readonly column: number;
};

/** A mistake in an expression; `column` is 1-based. */
export type ExpressionProblem = { readonly column: number; readonly message: string };

/** A guardrail is one line; nothing legitimate is longer. */
const EXPRESSION_CHARACTERS_MAX = 300;

const PATTERNS: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['number', /\d+(?:\.\d+)?/y],
  ['word', /golden\.[A-Za-z][A-Za-z0-9_]*/y],
  ['word', /[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z][A-Za-z0-9_]*)*/y],
  ['word', /"[^"]{1,60}"/y],
  ['symbol', /<=|>=|\+\/-|±|[<>=(),*+\-%]/y],
];

/** Tokens with an `end` token last, or the first character that belongs to none. */
export function tokenize(text: string): readonly Token[] | ExpressionProblem {
  if (text.length > EXPRESSION_CHARACTERS_MAX)
    return { column: 1, message: `must be at most ${EXPRESSION_CHARACTERS_MAX} characters` };
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const found = nextToken(text, at);
    if (found === null) return { column: at + 1, message: `unexpected character "${text[at]}"` };
    if (found.kind !== 'space') tokens.push({ kind: found.kind, text: unquote(found.text), column: at + 1 });
    at += found.text.length;
  }
  return [...tokens, { kind: 'end', text: '', column: text.length + 1 }];
}

function nextToken(text: string, at: number): { kind: Token['kind'] | 'space'; text: string } | null {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) return { kind, text: match[0] };
  }
  return null;
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.slice(1, -1) : text;
}

/** `, found "x"`: what stands there instead. */
export function found(token: Token): string {
  return token.kind === 'end' ? ', found the end' : `, found "${token.text}"`;
}
