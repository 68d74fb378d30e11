// The preview page as text: who answers and why, what hinders, and every camera's last picture with what was found in
// it. Whole without any script; the script only asks for it again. Pure.
import { frameShapeOf } from '../frames/input-contract.ts';
import type { ShownArm } from './compare-arms.ts';
import { escapeHtml } from './escape.ts';
import { overlaySvg } from './overlay.ts';
import type { ShownPicture } from './pictures.ts';
import type { Rates } from './rates.ts';

export type PageCamera = {
  readonly cameraId: string;
  readonly isLost: boolean;
  /** Null: not enough seen to say. */
  readonly isHealthy: boolean | null;
  readonly rates: Rates | null;
  readonly picture: ShownPicture | null;
};

export type PageFacts = {
  readonly title: string;
  readonly nowMs: number;
  readonly phase: string;
  /** Release that answers; null: none does. */
  readonly serving: string | null;
  readonly because: string;
  readonly candidate: string | null;
  readonly committed: string;
  readonly sensors: string;
  /** Kills, quarantine, what blocks, lost answers: one sentence each. */
  readonly troubles: readonly string[];
  readonly cameras: readonly PageCamera[];
};

const REFRESH_S = 2;

export function pageOf(facts: PageFacts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(facts.title)}</title>
<link rel="stylesheet" href="/preview.css">
<noscript><meta http-equiv="refresh" content="${REFRESH_S}"></noscript>
<script src="/preview.js" defer></script>
</head>
<body>
<main>
<h1>${escapeHtml(facts.title)}</h1>
${factList(facts)}
${troubleList(facts.troubles)}
${facts.cameras.map((camera) => cameraSection(camera, facts.nowMs)).join('\n')}
</main>
<p id="stale" hidden>The agent does not answer; what you see is old.</p>
</body>
</html>
`;
}

function factList(facts: PageFacts): string {
  const rows: readonly (readonly [string, string])[] = [
    ['Answers', facts.serving ?? 'nobody'],
    ['Because', facts.because],
    ['Phase', facts.phase],
    ['Candidate', facts.candidate ?? 'none'],
    ['Committed', facts.committed],
    ['Box', facts.sensors],
  ];
  const items = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<dl>${items.join('')}</dl>`;
}

function troubleList(troubles: readonly string[]): string {
  if (troubles.length === 0) return '<p class="calm">Nothing is killed, quarantined or blocked.</p>';
  return `<ul class="troubles">${troubles.map((trouble) => `<li>${escapeHtml(trouble)}</li>`).join('')}</ul>`;
}

function cameraSection(camera: PageCamera, nowMs: number): string {
  const { cameraId, picture } = camera;
  const shown =
    picture === null ? '<p>The picture follows within a second of the next frame.</p>' : figure(picture, nowMs);
  return `<section><h2>${escapeHtml(cameraId)}</h2><p>${escapeHtml(cameraSentence(camera))}</p>${shown}</section>`;
}

function cameraSentence({ isLost, isHealthy, rates }: PageCamera): string {
  const state = isLost ? 'gives no frames' : isHealthy === false ? 'gives pictures that look wrong' : 'gives frames';
  if (rates === null) return `${state}; nothing answered in the last ten seconds`;
  const { fps, latencyMsP50, latencyMsP95 } = rates;
  return `${state}; ${fps.toFixed(1)} answers a second, half within ${latencyMsP50.toFixed(1)} ms, 95 % within ${latencyMsP95.toFixed(1)} ms`;
}

function figure(picture: ShownPicture, nowMs: number): string {
  const { cameraId, id, contract, arms, capturedAtMs, requestId, isPair } = picture;
  const { width, height } = frameShapeOf(contract);
  const source = `/frames/${encodeURIComponent(cameraId)}/${id}.bmp`;
  const age = Math.max(0, (nowMs - capturedAtMs) / 1000).toFixed(1);
  const legend = arms.map(({ arm, release }) => `<li class="${arm}">${arm}: ${escapeHtml(release)}</li>`).join('');
  return (
    `<figure><div class="picture"><img src="${source}" width="${width}" height="${height}" alt="frame ${id}">` +
    `${overlaySvg(arms, { width, height })}</div>` +
    `<figcaption><ul class="legend">${legend}</ul><p>${agreement(arms, isPair)}</p>` +
    `<p>${escapeHtml(requestId)}, ${age} s old</p>${armTable(arms)}</figcaption></figure>`
  );
}

function agreement(arms: readonly ShownArm[], isPair: boolean): string {
  if (!isPair) return 'Only one release has seen this frame.';
  const disputed = arms.flatMap(({ objects }) => objects).filter((object) => object.isDisputed).length;
  if (disputed === 0) return 'Both releases agree on this frame.';
  return `<strong>≠ ${disputed} found by one release alone.</strong>`;
}

/** Text and classes have no place in the picture: here they stand, beside all that has. */
function armTable(arms: readonly ShownArm[]): string {
  const rows = arms.flatMap(({ arm, objects }) =>
    objects.map(({ identity, score, box, isDisputed }) => {
      const place = box === null ? 'whole frame' : box.map((value) => value.toFixed(0)).join(', ');
      const cells = [arm, identity, `${(score * 100).toFixed(0)} %`, place, isDisputed ? '≠ this one alone' : ''];
      return `<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
    }),
  );
  if (rows.length === 0) return '<p>Nothing found.</p>';
  const head = '<tr><th>release</th><th>found</th><th>score</th><th>place (x, y, w, h)</th><th></th></tr>';
  return `<table>${head}${rows.join('')}</table>`;
}
