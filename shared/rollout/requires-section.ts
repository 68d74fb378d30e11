// `requires` of a rollout file: gates that must hold before it may start. Their names and how long a drill counts; whether they
// hold is found out by the control plane.
import { z } from 'zod';
import { parseDuration } from './durations.ts';

export const GATES = [
  'registry.signed',
  'registry.golden.pass',
  'runbook.url',
  'release.tagged',
  'telemetry.versioned',
  'shadow.signoff',
  'guardrails.rollback',
  'owners.assigned',
  'archive.kept',
  'drill.passed',
] as const;

export type GateName = (typeof GATES)[number];

/** A drill is rehearsed again after a month, where the file does not say otherwise. */
export const DRILL_WITHIN_MS_DEFAULT = 30 * 24 * 3_600_000;

export type RequiredGate = { readonly gate: GateName /** Of drill.passed alone. */; readonly withinMs: number };

const PATTERN = /^([a-z.]+)(?: within (\w+))?$/;

/** `drill.passed`, or `drill.passed within 14d`. */
const requiredGateSchema = z
  .string()
  .meta({ examples: [...GATES, 'drill.passed within 14d'] })
  .transform((text, context): RequiredGate => {
    const [, name = '', within] = PATTERN.exec(text.trim()) ?? [];
    const gate = GATES.find((each) => each === name);
    const withinMs = within === undefined ? DRILL_WITHIN_MS_DEFAULT : parseDuration(within);
    const isRight = within === undefined || (gate === 'drill.passed' && withinMs !== null && withinMs > 0);
    if (gate !== undefined && isRight && withinMs !== null) return { gate, withinMs };
    const message =
      gate === undefined
        ? `there is no gate "${text}"; there are ${GATES.join(', ')}`
        : 'only drill.passed takes a time, such as "drill.passed within 14d"';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

export const requiresSchema = z.array(requiredGateSchema).max(GATES.length * 2);
