// A page that the server draws: inside the built dashboard's page, so that scripts can take it over, or alone where that is not built.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Html, html } from './html.ts';

export type PlainPage = {
  readonly title: string;
  readonly body: Html;
  /** Loaded again after so many seconds where no script runs; null: never. */
  readonly refreshS: number | null;
};

/** `folder` is where the dashboard was built. */
export async function plainPage({ title, body, refreshS }: PlainPage, folder: string): Promise<string> {
  const head = html`<title>${title}</title>
${refreshS !== null && html`<noscript><meta http-equiv="refresh" content="${refreshS}"></noscript>`}`;
  const built = await readFile(join(folder, 'index.html'), 'utf8').catch(() => null);
  if (built === null || !PLACE.test(built)) return alone(head, body).toString();
  return built
    .replace(/<title>.*?<\/title>/s, () => `${head}<style>${STYLE}</style>`)
    .replace(PLACE, () => `<div id="app">${body}</div>`);
}

const PLACE = /<div id="app">.*?<\/div>/s;

function alone(head: Html, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${head}
${new Html(`<style>:root { color-scheme: light dark; }${STYLE}</style>`)}
</head>
<body>${body}</body>
</html>
`;
}

/** Only of what the server draws: the dashboard brings its own. */
const STYLE = `
.plain { max-width: 46rem; margin: 0 auto; padding: 1rem; font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.plain form { display: grid; gap: .35rem; max-width: 36rem; }
.plain label { font-weight: 600; margin-top: .6rem; }
.plain label.check { font-weight: 400; }
.plain input:not([type=checkbox]), .plain select, .plain button { font: inherit; padding: .5rem .6rem; min-height: 2.75rem; width: 100%; box-sizing: border-box; }
.plain button.bad { background: #b01722; color: #fff; border: 0; border-radius: .4rem; font-weight: 700; }
.plain .trouble { border-left: .3rem solid #b01722; padding: .4rem .8rem; }
.plain dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
.plain dt { font-size: .9rem; } .plain dd { margin: 0; font-size: 2rem; font-weight: 700; }
.plain .names { columns: 14rem; }
`;
