// The kill page as plain HTML: the form, and how far a kill has come. Plain functions from facts to markup; no script is needed.
import type { KillChoice, KillProgress } from '../../shared/protocol/api-kill-page.ts';
import type { KillSummary } from '../../shared/protocol/api-kills.ts';
import {
  type KillScopeText,
  nameKillScope,
  readKillScope,
  writeKillScope,
} from '../../shared/protocol/kill-scope-text.ts';
import { type Html, html } from './html.ts';

export type KillForm = {
  readonly scope: string;
  /** `site/device`, when the scope is one device. */
  readonly device: string;
  readonly reason: string;
};

export type FormFacts = {
  readonly choices: readonly KillChoice[];
  readonly devices: readonly string[];
  readonly inForce: readonly KillSummary[];
  readonly form: KillForm;
  /** Why it was not done; null on the first visit. */
  readonly mistake: string | null;
  readonly csrf: string | null;
};

export const ONE_DEVICE = 'device';

const GROUPS = [
  ['Everything', 'fleet'],
  ['A site', 'site'],
  ['A rollout: its candidate, also where it is committed', 'rollout'],
  ['A release, also where it is committed', 'release'],
] as const;

export function killFormHtml({ choices, devices, inForce, form, mistake, csrf }: FormFacts): Html {
  return html`<main id="main" class="plain">
<h1>Kill switch</h1>
<p>Takes everything on trial in a scope off, now. Each device goes back to its committed release before its next frame.</p>
${mistake === null ? null : html`<p class="trouble" role="alert">${mistake}</p>`}
<form method="post" action="/kill">
${csrfField(csrf)}
<label for="scope">What to kill</label>
<select id="scope" name="scope" required>
${GROUPS.map(([label, kind]) =>
  optionGroup(
    label,
    choices.filter((choice) => choice.kind === kind),
    form.scope,
  ),
)}
<optgroup label="One device"><option value="${ONE_DEVICE}"${form.scope === ONE_DEVICE && SELECTED}>The device named below</option></optgroup>
</select>
<label for="device">Device, as site/device (only when one device is chosen)</label>
<input id="device" name="device" value="${form.device}" list="devices" maxlength="130" autocomplete="off">
<datalist id="devices">${devices.map((device) => html`<option value="${device}"></option>`)}</datalist>
<label for="reason">Reason (it goes into the audit, and to every device)</label>
<input id="reason" name="reason" value="${form.reason}" required maxlength="1000" autocomplete="off">
<label for="typed">For the whole fleet, type <b>fleet</b> (leave it empty otherwise)</label>
<input id="typed" name="typed" maxlength="40" autocomplete="off">
<label class="check"><input type="checkbox" name="confirm" value="yes" required> Yes, kill it now</label>
<p><button type="submit" class="bad">Kill</button></p>
</form>
<h2>In force</h2>
${inForce.length === 0 ? html`<p>No kill is in force.</p>` : html`<ul>${inForce.map(inForceItem)}</ul>`}
<p>On the command line: <code>belay kill --all --reason "…"</code>. <a href="/">To the fleet</a></p>
</main>`;
}

const SELECTED = html` selected`;

function csrfField(csrf: string | null): Html | null {
  return csrf === null ? null : html`<input type="hidden" name="csrf" value="${csrf}">`;
}

function optionGroup(label: string, choices: readonly KillChoice[], chosen: string): Html | null {
  if (choices.length === 0) return null;
  return html`<optgroup label="${label}">${choices.map(
    ({ scope, kind, name, says }) =>
      html`<option value="${scope}"${scope === chosen && SELECTED}>${kind === 'fleet' ? 'The whole fleet' : name}: ${says}</option>`,
  )}</optgroup>`;
}

function inForceItem({ id, scope, reason, actor, raisedAtMs }: KillSummary): Html {
  return html`<li><a href="/kill/${id}">${scopeWords(scope)}</a>: ${reason} (${actor}, ${timeOf(raisedAtMs)})</li>`;
}

export function killProgressHtml(kill: KillProgress, nowMs: number): Html {
  const { reason, actor, raisedAtMs } = kill;
  return html`<main id="main" class="plain">
<h1>${titleOf(kill)}</h1>
<p>${reason} (${actor}, ${timeOf(raisedAtMs)}). ${standingOf(kill)}</p>
${kill.fault === null ? null : html`<p class="trouble" role="alert">${kill.fault}</p>`}
<dl>
<div><dt>sent</dt><dd>${kill.sent}</dd></div>
<div><dt>acknowledged</dt><dd>${kill.acknowledged}</dd></div>
<div><dt>reverted</dt><dd>${kill.reverted}</dd></div>
<div><dt>not yet</dt><dd>${kill.stragglerCount}</dd></div>
<div><dt>offline</dt><dd>${kill.offlineCount}</dd></div>
</dl>
<p>Measured from sending to the acknowledgement: p50 ${milliseconds(kill.p50Ms)}, p95 ${milliseconds(kill.p95Ms)}, max ${milliseconds(kill.maxMs)}.</p>
${kill.leavesAlone === null ? null : html`<p>${kill.leavesAlone}</p>`}
${names('Online and not acknowledged', kill.stragglers, kill.stragglerCount)}
${names('Offline; they obey before their first frame on reconnect', kill.offline, kill.offlineCount)}
<p>As of ${timeOf(nowMs)}. <a href="/kill/${kill.id}">Read again</a> · <a href="/kill">Kill switch</a></p>
${kill.active ? html`<p><a href="/kill/${kill.id}?rearm=yes">Re-arm …</a></p>` : null}
</main>`;
}

function standingOf({ active, clearedBy, clearedReason, clearedAtMs }: KillProgress): string {
  if (active) return 'It is in force.';
  return `It was re-armed by ${clearedBy ?? 'somebody'} at ${clearedAtMs === null ? 'an unknown time' : timeOf(clearedAtMs)}: ${clearedReason ?? ''}`;
}

export type RearmFacts = {
  readonly kill: KillProgress;
  readonly mistake: string | null;
  readonly csrf: string | null;
};

/** The harder way: on a page of its own, with what comes back and something to type. */
export function rearmHtml({ kill, mistake, csrf }: RearmFacts): Html {
  return html`<main id="main" class="plain">
<h1>Re-arm ${titleOf(kill)}</h1>
<p>Killed by ${kill.actor} at ${timeOf(kill.raisedAtMs)}: ${kill.reason}</p>
<p><strong>${kill.comesBack}</strong></p>
${mistake === null ? null : html`<p class="trouble" role="alert">It stays in force. ${mistake}</p>`}
<form method="post" action="/kill/${kill.id}/rearm">
${csrfField(csrf)}
<label for="reason">Reason (it goes into the audit)</label>
<input id="reason" name="reason" required maxlength="1000" autocomplete="off">
<label for="typed">Type <b>${kill.id}</b> to confirm</label>
<input id="typed" name="typed" required maxlength="64" autocomplete="off">
<p><button type="submit">Re-arm</button></p>
</form>
<p><a href="/kill/${kill.id}">Leave it in force</a></p>
</main>`;
}

export function titleOf({ id, scope }: Pick<KillSummary, 'id' | 'scope'>): string {
  return `kill ${id}: ${scopeWords(scope)}`;
}

function scopeWords(scope: KillSummary['scope']): string {
  return scope.kind === 'fleet' ? 'the whole fleet' : `${scope.kind} ${nameKillScope(scope)}`;
}

function names(
  title: string,
  addresses: readonly { readonly site: string; readonly device: string }[],
  count: number,
): Html | null {
  if (count === 0) return null;
  const more = count - addresses.length;
  return html`<h2>${title} (${count})</h2>
<ul class="names">${addresses.map(({ site, device }) => html`<li><a href="/devices/${site}/${device}">${site}/${device}</a></li>`)}${more > 0 && html`<li>and ${more} more</li>`}</ul>`;
}

function milliseconds(ms: number | null): string {
  return ms === null ? 'not measured' : `${Math.round(ms)} ms`;
}

function timeOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export type ReadForm =
  | { readonly kind: 'ready'; readonly scope: KillScopeText; readonly reason: string }
  | { readonly kind: 'mistake'; readonly says: string };

/** What a person sent, or the first thing that is missing. */
export function readKillForm({ scope, device, reason }: KillForm, sure: { confirm: string; typed: string }): ReadForm {
  const mistake = (says: string): ReadForm => ({ kind: 'mistake', says });
  const read = readKillScope(scope === ONE_DEVICE ? `device:${device.trim()}` : scope);
  if (read === null) return mistake('Choose what to kill; one device is written as site/device.');
  if (reason.trim() === '') return mistake('Say why: a reason is needed.');
  if (sure.confirm === '') return mistake('Tick the box to confirm.');
  if (read.kind === 'fleet' && sure.typed.trim() !== 'fleet') return mistake('Type fleet to confirm the whole fleet.');
  return { kind: 'ready', scope: read, reason: reason.trim() };
}

/** What a link such as /kill?scope=device:plant-a/cam-01 has chosen. */
export function chosenBy(link: string): KillForm {
  const scope = readKillScope(link) ?? { kind: 'fleet' as const };
  if (scope.kind === 'device') return { scope: ONE_DEVICE, device: nameKillScope(scope), reason: '' };
  return { scope: writeKillScope(scope), device: '', reason: '' };
}
