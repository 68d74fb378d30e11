// Table types of kept answers (migration 023).

export type IdempotencyTables = {
  idempotency_keys: {
    /** Who asked: the same key of somebody else is another key. */
    who: string;
    key: string;
    /** Method and address, as it was asked. */
    route: string;
    /** SHA-256 over method, address and body. */
    request_hash: string;
    begun_at_ms: number;
    /** Null until it was answered: after a crash nobody knows whether it was done. */
    status: number | null;
    /** JSON of the headers that belong to the answer. */
    headers: string | null;
    /** Compressed (gzip); null where the answer may not be kept. */
    body: Uint8Array | null;
  };
};
