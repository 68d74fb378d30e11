// `device` of a guardrail: the same thing, judged by each device alone and with no network. It becomes one of the limits that travel
// to the devices with their place in the rollout, and nothing else.
import { z } from 'zod';
import type { DeviceLimits } from '../protocol/limits.ts';
import { durationSchema } from './duration-field.ts';
import type { Expression } from './expression.ts';
import type { MetricName } from './metrics.ts';

export const deviceRuleSchema = z.strictObject({
  /** Exactly one of the four: below it, above it, above this multiple of its own baseline, or so many. */
  floor: z.number().positive().optional(),
  ceiling: z.number().optional(),
  ratio: z.number().positive().optional(),
  count: z.number().int().min(1).max(1000).optional(),
  for: durationSchema.optional(),
  /** The device goes back by itself; it has no milder answer. */
  action: z.literal('revert').default('revert'),
});

export type DeviceRule = z.infer<typeof deviceRuleSchema>;
type Bound = 'floor' | 'ceiling' | 'ratio' | 'count';

type LocalLimit = {
  readonly bound: Bound;
  readonly limit: keyof DeviceLimits & string;
  readonly forMs: (keyof DeviceLimits & string) | null;
};

const LOCAL: Readonly<Partial<Record<MetricName, LocalLimit>>> = {
  fps: { bound: 'floor', limit: 'fpsFloor', forMs: 'fpsForMs' },
  soc_temp_c: { bound: 'ceiling', limit: 'temperatureCeilingC', forMs: 'temperatureForMs' },
  battery_pct: { bound: 'floor', limit: 'batteryFloorPct', forMs: 'batteryForMs' },
  latency_ms: { bound: 'ratio', limit: 'latencyRatio', forMs: 'latencyForMs' },
  errors: { bound: 'count', limit: 'errorStreak', forMs: null },
  incidents: { bound: 'count', limit: 'oomStrikes', forMs: null },
};

const BOUNDS: readonly Bound[] = ['floor', 'ceiling', 'ratio', 'count'];

/** Why a device cannot judge it so, or null. */
export function whyNotLocal(rule: DeviceRule, { metric }: Pick<Expression, 'metric'>): string | null {
  const local = LOCAL[metric];
  if (local === undefined)
    return `a device does not judge ${metric} by itself; it judges ${Object.keys(LOCAL).join(', ')}`;
  const given = BOUNDS.filter((bound) => rule[bound] !== undefined);
  if (given.length !== 1 || given[0] !== local.bound) return `of ${metric} a device judges a "${local.bound}", alone`;
  if (rule.for !== undefined && local.forMs === null) return `has no "for": a device counts ${metric}`;
  return rule.for === 0 ? '"for" must be more than 0' : null;
}

/** The limits of a device that say it; empty where whyNotLocal has a reason. */
export function localLimits(rule: DeviceRule, expression: Pick<Expression, 'metric'>): Partial<DeviceLimits> {
  const local = LOCAL[expression.metric];
  const value = local === undefined ? undefined : rule[local.bound];
  if (local === undefined || value === undefined || whyNotLocal(rule, expression) !== null) return {};
  return {
    [local.limit]: value,
    ...(local.forMs === null || rule.for === undefined ? {} : { [local.forMs]: rule.for }),
  };
}
