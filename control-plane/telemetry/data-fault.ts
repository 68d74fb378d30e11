// Whose fault it is that something could not be stored: the database's (wait, and store it later) or the data's (the same
// would fail for ever). Pure.

/** What SQLite says when it is the content of a row that it cannot take; everything else is a matter of disk or locks. */
const DATA_FAULTS = /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE)/;

/** An error without a code of SQLite was thrown by our own code over what a device has sent. */
export function isDataFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return code.startsWith('SQLITE')
    ? DATA_FAULTS.test(code)
    : !/database connection is not open|destroyed/i.test(error.message);
}
