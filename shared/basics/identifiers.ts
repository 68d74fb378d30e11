// Names that travel in topics, paths and documents: their shapes, in one place.
import { z } from 'zod';

/** A site or device id: it becomes an MQTT topic segment, a client id and a file name. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9-]{3,64}$/, 'must be 3 to 64 of a-z, 0-9 and "-" (it becomes a topic segment)');

/** Lower-case hex SHA-256. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hex digits');

/** Epoch milliseconds. */
export const timeSchema = z.number().int().nonnegative();

export const countSchema = z.number().int().nonnegative();
