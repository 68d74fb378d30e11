// What a rollout would do, before it does it: who, when, what stands in the way.
import type { Plan, PlanStage } from '../../../shared/rollout/plan.ts';
import type { Output } from '../output.ts';
import { formatDuration, renderTable, wrapParts } from './table.ts';

export function renderPlan(plan: Plan, output: Pick<Output, 'tint'>): string {
  const parts = [
    [
      `Plan      ${plan.name}   owner ${plan.owners.primary} (backup ${plan.owners.backup})`,
      ...renderMetadata(plan),
      `Release   ${plan.baselines.map((baseline) => `${baseline.release} on ${baseline.devices}`).join(', ') || 'no known baseline'}`,
      `          → ${plan.candidate.release}`,
      `Soonest   ${formatDuration(plan.soonestMs)} of bake time`,
    ].join('\n'),
    renderStages(plan),
    renderGuardrails(plan),
    plan.readiness
      .map((item) => `${item.ok ? output.tint('good', '✔') : output.tint('bad', '✘')} ${item.fact}: ${item.detail}`)
      .join('\n'),
    renderGates(plan, output),
    renderBlocked(plan, output),
    plan.warnings.map((warning) => output.tint('warn', `note: ${warning}`)).join('\n'),
    plan.closed === null ? '' : output.tint('warn', `note: it would not grow now: it ${plan.closed}`),
    plan.needsOverride.map((reason) => output.tint('bad', `cannot start now: ${reason}`)).join('\n'),
    plan.refusals.map((refusal) => output.tint('bad', `cannot start: ${refusal}`)).join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Ticket and labels, when the file has any. */
export function renderMetadata({ ticket, labels }: Pick<Plan, 'ticket' | 'labels'>): readonly string[] {
  const words = [
    ...(ticket === null ? [] : [`ticket ${ticket}`]),
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  ];
  return words.length === 0 ? [] : [`About     ${wrapParts(words, '   ', ' '.repeat(10))}`];
}

function renderStages(plan: Plan): string {
  const rows = plan.stages.map((stage) => [
    stage.name,
    stage.mode,
    formatDuration(stage.bakeMs),
    String(stage.devices),
    String(stage.controls),
    stage.sites.map(renderSite).join('; '),
  ]);
  return renderTable(
    ['STAGE', 'MODE', 'BAKE', 'DEVICES', 'CONTROLS', 'WHO'].map((title) => ({ title })),
    rows,
  );
}

function renderSite({ site, eligible, devices }: PlanStage['sites'][number]): string {
  if (devices.length === eligible && eligible > 1) return `${site}: all ${eligible}`;
  return `${site}: ${devices.join(' ') || 'none'}`;
}

function renderGuardrails(plan: Plan): string {
  const rows = plan.guardrails.map((guardrail) => [
    guardrail.title,
    guardrail.limitText,
    guardrail.enforce,
    guardrail.stages.join(', '),
  ]);
  return renderTable(
    ['GUARDRAIL', 'LIMIT', 'WHEN BROKEN', 'STAGES'].map((title) => ({ title })),
    rows,
  );
}

/** The readiness checklist: what the file requires first, and of the rest what does not hold. */
function renderGates({ gates }: Plan, output: Pick<Output, 'tint'>): string {
  const shown = [...gates.filter(({ required }) => required), ...gates.filter(({ required, ok }) => !required && !ok)];
  if (shown.length === 0) return '';
  const held = gates.filter(({ ok }) => ok).length;
  const lines = shown.map(({ gate, required, ok, detail, next }) => {
    const mark = ok ? output.tint('good', '✔') : output.tint(required ? 'bad' : 'warn', required ? '✘' : '–');
    return `${mark} ${gate}${required ? ' (required)' : ''}: ${detail}${next === null ? '' : `. Next: ${next}`}`;
  });
  return [`Readiness ${held} of ${gates.length} gates hold`, ...lines].join('\n');
}

function renderBlocked(plan: Plan, output: Pick<Output, 'tint'>): string {
  const blocked = plan.devices
    .filter((device) => device.blocked.length > 0)
    .map((device) => output.tint('warn', `${device.site}/${device.device}: ${device.blocked.join('; ')}`));
  return [...blocked, ...plan.excluded.map((device) => `${device.site}/${device.device} left out: ${device.why}`)].join(
    '\n',
  );
}
