// Foreign text for a log, a report or a terminal: one line, nothing that a terminal would obey.

/** Control characters (line ends, escapes) and lone surrogates become spaces; cut at `lengthMax`. */
export function oneLine(text: string, lengthMax = Number.POSITIVE_INFINITY): string {
  return text.slice(0, lengthMax).replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}
