// Bodies and answers of /v1/session, /v1/accounts and /v1/tokens: who somebody is, and what that allows where.
import { z } from 'zod';
import { nameSchema, timeSchema } from '../basics/identifiers.ts';

/** Each role may do what those before it may; `approver` also agrees to what another person asked for. */
export const ROLES = ['viewer', 'operator', 'approver', 'admin'] as const;
export const roleSchema = z.enum(ROLES);

export const grantSchema = z.looseObject({
  role: roleSchema,
  /** `'*'`: every site, also those to come. */
  sites: z.union([z.literal('*'), z.array(nameSchema).min(1).max(200)]),
});

/** Also what the audit and every record call the person. */
export const accountNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._@-]{1,63}$/, 'must be 2 to 64 of a-z, 0-9 and "._@-", beginning with a letter or digit');

/** Long rather than complicated. */
export const passwordSchema = z.string().min(12, 'must be at least 12 characters long').max(200);

export const identitySchema = z.looseObject({
  name: z.string(),
  kind: z.enum(['person', 'token', 'device', 'nobody']),
  grants: z.array(grantSchema),
  /** The kill right: separate, and held by everybody from operator up. */
  mayKill: z.boolean(),
});

export const signInBodySchema = z.looseObject({
  name: z.string().min(1).max(64),
  password: z.string().min(1).max(200),
});

export const sessionSchema = z.looseObject({
  identity: identitySchema,
  /** To be sent as `x-belay-csrf` (or the form field `csrf`) with everything that changes something; null with a token. */
  csrf: z.string().nullable(),
  expiresAtMs: timeSchema.nullable(),
  /** True where everybody on this machine may do everything (`signIn: open`). */
  open: z.boolean().default(false),
});

export const accountSchema = z.looseObject({
  name: z.string(),
  grants: z.array(grantSchema),
  mayKill: z.boolean(),
  disabled: z.boolean(),
  createdAtMs: timeSchema,
  createdBy: z.string(),
  lastSignInAtMs: timeSchema.nullable(),
});
export const accountListSchema = z.looseObject({ accounts: z.array(accountSchema) });
export const accountCreateBodySchema = z.looseObject({
  name: accountNameSchema,
  password: passwordSchema,
  grants: z.array(grantSchema).min(1).max(20),
  mayKill: z.boolean().optional(),
  reason: z.string().min(1).max(1000).optional(),
});
/** What is left out stays as it is. */
export const accountChangeBodySchema = z.looseObject({
  password: passwordSchema.optional(),
  grants: z.array(grantSchema).min(1).max(20).optional(),
  mayKill: z.boolean().optional(),
  disabled: z.boolean().optional(),
  reason: z.string().min(1).max(1000).optional(),
});
export const accountPathSchema = z.looseObject({ name: accountNameSchema });
/** One's own password. */
export const passwordBodySchema = z.looseObject({ current: z.string().min(1).max(200), password: passwordSchema });

export const signedOutSchema = z.looseObject({ signedOut: z.literal(true) });

/** Signs in once, within minutes, who opens it. */
export const linkSchema = z.looseObject({ url: z.string(), expiresAtMs: timeSchema });

export const tokenSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  grants: z.array(grantSchema),
  mayKill: z.boolean(),
  createdAtMs: timeSchema,
  expiresAtMs: timeSchema,
  lastUsedAtMs: timeSchema.nullable(),
});
/** `all`: those of everybody, for who administers every site. */
export const tokenListQuerySchema = z.looseObject({ all: z.enum(['true', 'false']).optional() });
export const tokenListSchema = z.looseObject({ tokens: z.array(tokenSchema) });
export const tokenCreateBodySchema = z.looseObject({
  name: z.string().trim().min(1).max(100),
  /** At most what its owner may; left out: the same. */
  grants: z.array(grantSchema).min(1).max(20).optional(),
  mayKill: z.boolean().optional(),
  days: z.number().int().min(1).max(730).default(90),
});
/** `token` is shown this once: only its hash is kept. */
export const tokenCreatedSchema = z.looseObject({ ...tokenSchema.shape, token: z.string() });
export const tokenPathSchema = z.looseObject({ id: z.string().min(1).max(64) });

export const CSRF_HEADER = 'x-belay-csrf';

export type Role = z.infer<typeof roleSchema>;
export type Grant = z.infer<typeof grantSchema>;
export type Identity = z.infer<typeof identitySchema>;
export type SessionAnswer = z.infer<typeof sessionSchema>;
export type Account = z.infer<typeof accountSchema>;
export type AccountCreateBody = z.infer<typeof accountCreateBodySchema>;
export type AccountChangeBody = z.infer<typeof accountChangeBodySchema>;
export type ApiToken = z.infer<typeof tokenSchema>;
export type TokenCreateBody = z.infer<typeof tokenCreateBodySchema>;
export type SignInLink = z.infer<typeof linkSchema>;
export type TokenCreated = z.infer<typeof tokenCreatedSchema>;
