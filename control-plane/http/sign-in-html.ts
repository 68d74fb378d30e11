// How the pages to sign in and out look: whole without scripts and without the dashboard's files.
import { createHash } from 'node:crypto';
import { Html, html } from './html.ts';

const STYLE = `
:root { color-scheme: light dark; --ground: light-dark(#eef0f3, #101318); --card: light-dark(#ffffff, #1a1e25);
  --line: light-dark(#c9ced6, #3a414d); --ink: light-dark(#171a20, #eceff4); --soft: light-dark(#4c5461, #a9b2c0);
  --accent: light-dark(#1459b3, #7db4ff); --on-accent: light-dark(#ffffff, #10151d); --bad: light-dark(#b01722, #ff8d8d); }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { width: min(23rem, 100% - 2rem); box-sizing: border-box; padding: 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0; font-size: 1.5rem; } p { margin: .25rem 0 1rem; color: var(--soft); }
form { display: grid; gap: .25rem; } label { font-weight: 600; margin-top: .6rem; }
input { font: inherit; padding: .5rem .6rem; min-height: 2.75rem; box-sizing: border-box; width: 100%; color: inherit;
  background: var(--ground); border: 1px solid var(--line); border-radius: .4rem; }
button { font: inherit; font-weight: 700; margin-top: 1.25rem; min-height: 2.75rem; border: 0; border-radius: .4rem;
  background: var(--accent); color: var(--on-accent); cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.trouble { margin: 0 0 .5rem; padding: .5rem .75rem; border-left: .3rem solid var(--bad); color: var(--bad); font-weight: 600; }
.hint { margin: 1.25rem 0 0; font-size: .875rem; overflow-wrap: anywhere; } a { color: var(--accent); }
`;
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** No script at all, this one style, and forms that go to ourselves. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

export type SignInFacts = {
  readonly csrf: string;
  readonly next: string;
  readonly name: string;
  /** What went wrong, in a sentence; null: nothing yet. */
  readonly trouble: string | null;
};

export function signInHtml({ csrf, next, name, trouble }: SignInFacts): string {
  return page(
    'Sign in',
    html`<h1>Belay</h1>
<p>Sign in to see the fleet and to act on it.</p>
${trouble !== null && html`<p class="trouble" role="alert">${trouble}</p>`}
<form method="post" action="/sign-in">
<input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="next" value="${next}">
<label for="name">Name</label>
<input id="name" name="name" value="${name}" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" ${name === '' && AUTOFOCUS}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200" ${name !== '' && AUTOFOCUS}>
<button>Sign in</button>
</form>
<p class="hint">No account? Somebody with the role admin makes one. Nobody can sign in any more? On the machine itself: <code>belay account reset-admin --data FOLDER</code></p>`,
  );
}

const AUTOFOCUS = new Html('autofocus');

export function signOutHtml({ csrf, name }: { readonly csrf: string; readonly name: string }): string {
  return page(
    'Sign out',
    html`<h1>Sign out</h1>
<p>${name} is signed in here.</p>
<form method="post" action="/sign-out">
<input type="hidden" name="csrf" value="${csrf}">
<button>Sign out</button>
</form>
<p class="hint"><a href="/">Back to the fleet</a></p>`,
  );
}

/** Asks for the same address once more, from here: a browser that comes from another site keeps its cookie back the first time. */
export function onceMoreHtml(address: string): string {
  return page(
    'Belay',
    html`<p><a href="${address}">Go on</a></p>`,
    html`<meta http-equiv="refresh" content="0;url=${address}">`,
  );
}

function page(title: string, body: Html, head: Html | null = null): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/icon.svg">
<title>${title} · Belay</title>
${head}
${new Html(`<style>${STYLE}</style>`)}
</head>
<body><main>${body}</main></body>
</html>
`.toString();
}
