// Table types of accounts, sessions and API tokens (migration 022). Passwords, sessions and tokens are kept as hashes alone.
export type IdentityTables = {
  accounts: {
    name: string;
    /** JSON: roles by site. */
    grants: string;
    may_kill: number;
    disabled: number;
    /** `scrypt$log2 N$r$p$salt$hash`. */
    password: string;
    created_at_ms: number;
    created_by: string;
    last_sign_in_at_ms: number | null;
  };
  sessions: {
    /** SHA-256 of what the cookie holds. */
    hash: string;
    account: string;
    created_at_ms: number;
    seen_at_ms: number;
    ends_at_ms: number;
  };
  api_tokens: {
    id: string;
    /** SHA-256 of the token. */
    hash: string;
    name: string;
    owner: string;
    grants: string;
    may_kill: number;
    created_at_ms: number;
    expires_at_ms: number;
    last_used_at_ms: number | null;
  };
};
