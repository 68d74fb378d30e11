// HTML by template: everything put in is escaped, unless it was made by the same template. Devices and callers choose some of the words.

/** Text that is safe to send as it stands; only `html` makes it. */
export class Html {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** null and false: nothing. A list: one after the other. */
export type Piece = Html | string | number | null | false | readonly Piece[];

export function html(parts: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(parts.reduce((text, part, index) => `${text}${inHtml(pieces[index - 1] ?? null)}${part}`));
}

function inHtml(piece: Piece): string {
  if (piece === null || piece === false) return '';
  if (piece instanceof Html) return piece.toString();
  if (typeof piece === 'object') return piece.map(inHtml).join('');
  return String(piece).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
