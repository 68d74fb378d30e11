// Tells a fault of the frame rings from one of a release: a full or taken /dev/shm is this box's fault.
import { BelayError } from '../shared/basics/errors.ts';

export function isRingFault(error: unknown): boolean {
  return error instanceof BelayError && error.code.startsWith('ring-');
}
