// What a configuration may say about the preview. Parsing only.
import { isIP } from 'node:net';
import { z } from 'zod';

/** Off unless asked for: pictures of a plant are shown to nobody by default, not even on the box itself. */
export const previewSchema = z
  .strictObject({
    /** 0: any free port; the log says which. */
    port: z.number().int().min(0).max(65_535).default(8765),
    /** Another address than this box's own shows the pictures to whoever reaches it: nobody is asked for a password. */
    host: z
      .string()
      .refine((host) => host === 'localhost' || isIP(host) !== 0, 'must be an IP address, or localhost')
      .default('127.0.0.1'),
  })
  .nullable()
  .default(null);

export type PreviewOptions = NonNullable<z.infer<typeof previewSchema>>;
