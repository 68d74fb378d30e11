// What an operator may say about downloads, as the agent's configuration takes it.
import { z } from 'zod';

export const downloadOptionsSchema = z.strictObject({
  /** From the control plane, over all downloads of this device; null: as fast as it comes. The site cache is not counted. */
  bytesPerSecondMax: z.number().int().min(1024).nullable().default(null),
  /** From the control plane within 24 hours; null: no budget. What is over it waits, and keeps what it has. */
  bytesPerDayMax: z.number().int().min(1_000_000).nullable().default(null),
  /** The devices of a site begin a download at different times within this span. */
  spreadMs: z.number().int().min(0).max(3_600_000).default(30_000),
  /** A site cache on the local network, asked before the control plane. */
  siteCacheUrl: z
    .url({ protocol: /^https?$/, error: 'must be a URL such as http://10.0.0.2:8766' })
    .transform((url) => url.replace(/\/+$/, ''))
    .nullable()
    .default(null),
});

export type DownloadOptions = z.infer<typeof downloadOptionsSchema>;

export const DEFAULT_DOWNLOAD_OPTIONS: DownloadOptions = downloadOptionsSchema.parse({});
