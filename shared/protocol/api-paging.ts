// What every list of the API has in common: `?limit=&cursor=&fields=`, and `nextCursor` in the answer while there is more.
import { z } from 'zod';

export const PAGE_MAX = 1000;
export const PAGE_DEFAULT = 500;

export const pageQuery = {
  /** At most so many; the answer has `nextCursor` while there are more. */
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  /** `nextCursor` of the page before. It says where, not how far: entries that come meanwhile move nothing. */
  cursor: z.string().min(1).max(500).optional(),
  /** Only these members of each entry, such as `id,state`. */
  fields: z.string().min(1).max(500).optional(),
};

export const pageQuerySchema = z.looseObject(pageQuery);

/** Absent on the last page. */
export const nextCursor = { nextCursor: z.string().optional() };

export type PageQuery = z.infer<typeof pageQuerySchema>;
