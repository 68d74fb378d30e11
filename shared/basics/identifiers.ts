// Names that travel in topics, paths and documents: their shapes, in one place.
import { z } from 'zod';

/** A site or device id: it becomes an MQTT topic segment, a client id and a file name. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9-]{3,64}$/, 'must be 3 to 64 of a-z, 0-9 and "-" (it becomes a topic segment)');

/** Lower-case hex SHA-256. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in 64 lower-case hex digits');

/** Epoch milliseconds, as far as a Date goes. */
export const timeSchema = z.number().int().nonnegative().max(8_640_000_000_000_000);

/** Below the largest safe integer, so that whoever adds one to it is still exact. */
export const countSchema = z
  .number()
  .int()
  .nonnegative()
  .max(2 ** 52);
