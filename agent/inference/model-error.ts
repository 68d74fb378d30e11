// Why a model cannot be used here, with the code that goes out as the runner's fault.
import { BelayError } from '../../shared/basics/errors.ts';
import { speaksOfMemory } from './cause-of-death.ts';
import type { FaultCode } from './runner-wire.ts';

export class ModelError extends BelayError {
  declare readonly code: FaultCode;

  constructor(code: FaultCode, message: string, cause?: unknown) {
    super(code, message, { cause });
    this.name = 'ModelError';
  }
}

/** A failed allocation is told from other failures: it may be the box, and not the model. */
export function failureCode<C extends FaultCode>(detail: string, otherwise: C): C | 'out-of-memory' {
  return speaksOfMemory(detail) ? 'out-of-memory' : otherwise;
}
