// What the control plane runs with, setting by setting.
import { z } from 'zod';

export const configInForceSchema = z.looseObject({
  settings: z.array(
    z.looseObject({
      /** As in the configuration file: `telemetry.gapMs`. */
      key: z.string(),
      /** As in the configuration file; passwords in addresses are left out. */
      value: z.string(),
      isDefault: z.boolean(),
    }),
  ),
});

export type ConfigInForce = z.infer<typeof configInForceSchema>;
