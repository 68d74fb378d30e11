// What the agent says to the process that makes JPEGs: an order as JSON, then the bytes of the frame in pieces. It answers
// every order with one binary message, the JPEG, or with `{fault}`.
import { z } from 'zod';
import { inputContractSchema } from '../../shared/release/manifest.ts';

export const jpegOrderSchema = z.looseObject({
  contract: inputContractSchema,
  frameBytes: z.number().int().positive(),
  bytesMax: z.number().int().positive(),
});
export type JpegOrder = z.infer<typeof jpegOrderSchema>;

/** A large frame is more than one message may be. */
export const PIECE_BYTES = 1024 * 1024;
