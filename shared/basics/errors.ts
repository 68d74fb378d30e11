// The one error tree of Belay. Expected outcomes are values, never errors; these are for operating faults.

/** An operating fault. `code` is bounded (kebab-case, documented where thrown); the message names what we were doing, with what, and the next step. */
export class BelayError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BelayError';
    this.code = code;
  }
}

/** One-line text of anything thrown, with its causes, for logs and reasons. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} ← ${describeError(error.cause)}`;
}
