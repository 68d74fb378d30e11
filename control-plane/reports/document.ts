// A written document as plain parts, so that Markdown and HTML say the same: headings, paragraphs, lists and tables.

export type Part =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [string, string])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] };

export type WrittenDocument = { readonly title: string; readonly parts: readonly Part[] };

export function heading(level: 1 | 2 | 3, text: string): Part {
  return { kind: 'heading', level, text };
}

/** A table, or the words for an empty one. */
export function tableOr(empty: string, columns: readonly string[], rows: readonly (readonly string[])[]): Part {
  return rows.length === 0 ? { kind: 'text', text: empty } : { kind: 'table', columns, rows };
}

export function listOr(empty: string, items: readonly string[]): Part {
  return items.length === 0 ? { kind: 'text', text: empty } : { kind: 'list', items };
}

export function toMarkdown({ parts }: WrittenDocument): string {
  return `${parts.map(markdownOf).join('\n\n')}\n`;
}

function markdownOf(part: Part): string {
  switch (part.kind) {
    case 'heading':
      return `${'#'.repeat(part.level)} ${inMarkdown(part.text)}`;
    case 'text':
      return inMarkdown(part.text);
    case 'facts':
      return part.facts.map(([name, value]) => `- **${inMarkdown(name)}**: ${inMarkdown(value)}`).join('\n');
    case 'list':
      return part.items.map((item) => `- ${inMarkdown(item)}`).join('\n');
    case 'table':
      return [
        `| ${part.columns.map(inMarkdown).join(' | ')} |`,
        `|${part.columns.map(() => '---').join('|')}|`,
        ...part.rows.map((row) => `| ${row.map(inMarkdown).join(' | ')} |`),
      ].join('\n');
  }
}

/** Devices and callers choose some of the words: none of them may become markup, a second line or another cell. */
function inMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>|#]/g, (sign) => (sign === '_' ? sign : `\\${sign}`));
}

/** One file that needs nothing else: no script, no address to load from; printed it stays readable. */
export function toHtml({ title, parts }: WrittenDocument): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${inHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${parts.map(htmlOf).join('\n')}
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; color: light-dark(#1a1a1a, #e8e8e8); background: light-dark(#fff, #161616); }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid light-dark(#ccc, #444); }
dt { font-weight: 600; } dd { margin: 0 0 .4rem; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
@media print { main { max-width: none; padding: 0; } }
`;

function htmlOf(part: Part): string {
  switch (part.kind) {
    case 'heading':
      return `<h${part.level}>${inHtml(part.text)}</h${part.level}>`;
    case 'text':
      return `<p>${inHtml(part.text)}</p>`;
    case 'facts':
      return `<dl>${part.facts.map(([name, value]) => `<dt>${inHtml(name)}</dt><dd>${inHtml(value)}</dd>`).join('')}</dl>`;
    case 'list':
      return `<ul>${part.items.map((item) => `<li>${inHtml(item)}</li>`).join('')}</ul>`;
    case 'table':
      return `<div class="scroll"><table><thead><tr>${part.columns.map((name) => `<th scope="col">${inHtml(name)}</th>`).join('')}</tr></thead><tbody>${part.rows
        .map((row) => `<tr>${row.map((cell) => `<td>${inHtml(cell)}</td>`).join('')}</tr>`)
        .join('')}</tbody></table></div>`;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function inHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
