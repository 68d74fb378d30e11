// `cohort` of a rollout file: which devices take part, in which order, and who is never asked.
import { z } from 'zod';
import { nameSchema } from '../basics/identifiers.ts';
import { whereSchema } from './where-field.ts';

const saltSchema = z
  .string()
  .regex(/^(rollout|fixed:.{1,60})$/, 'must be "rollout" (new candidate devices each time) or "fixed:<text>"');

/** Always by both; a file may say so. */
const stratifySchema = z
  .array(z.enum(['factory', 'hardwareClass']))
  .refine(
    (parts) => new Set(parts).size === 2,
    'must be [factory, hardwareClass]: every prefix has the mix of its site',
  )
  .default(['factory', 'hardwareClass']);

export const cohortSchema = z.strictObject({
  /** Null: every site. */
  factories: z.array(nameSchema).min(1).nullable().default(null),
  /** Null: every device of these sites. */
  where: whereSchema.nullable().default(null),
  salt: saltSchema.default('rollout'),
  pin: z
    .strictObject({ candidate: z.array(nameSchema).default([]), baseline: z.array(nameSchema).default([]) })
    .prefault({}),
  exclude: z
    .strictObject({
      devices: z.array(nameSchema).default([]),
      /** Names of lines; "*" stands for any letters, "?" for one. */
      lines: z
        .array(
          z
            .string()
            .regex(
              /^[a-z0-9*?-]{1,64}$/,
              'must be the name of a line, in which "*" stands for any letters and "?" for one',
            ),
        )
        .default([]),
    })
    .prefault({}),
  minPerFactory: z.number().int().min(0).max(1000).default(1),
  /** `line`: the devices of a line get the candidate together, or not at all. */
  clusterBy: z.enum(['device', 'line']).default('device'),
  /** Devices that cannot take the candidate are listed, and the stage waits for as many as it asks for. */
  onBlocked: z.strictObject({ tooFewEligible: z.literal('hold').default('hold') }).prefault({}),
  /** Devices that come after the start. `fill`: they take the last places of their site's order. */
  newDevices: z.enum(['baseline', 'fill']).default('baseline'),
  /** The same hardware id, the same place; nothing else can be had. */
  reenrol: z.literal('keep').default('keep'),
  stratifyBy: stratifySchema,
});
