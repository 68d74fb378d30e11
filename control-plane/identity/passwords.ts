// Passwords as scrypt hashes that carry their own cost. Checking one costs the same whether the name exists or not.
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** log2 N, r, p: 32 MiB and about a fifth of a second; the cost of guessing is what protects a stolen database. */
export type PasswordCost = { readonly logN: number; readonly r: number; readonly p: number };
export const PASSWORD_COST: PasswordCost = { logN: 15, r: 8, p: 3 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const MEMORY_BYTES_MAX = 256 * 1024 * 1024;

export async function hashPassword(password: string, cost: PasswordCost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.logN, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** `stored` null (no such account): false, after the same work. */
export async function isPassword(
  stored: string | null,
  password: string,
  cost: PasswordCost = PASSWORD_COST,
): Promise<boolean> {
  const read = readStored(stored);
  if (read === null) {
    await derive(password, Buffer.alloc(SALT_BYTES), cost);
    return false;
  }
  return timingSafeEqual(await derive(password, read.salt, read.cost), read.hash);
}

/** Whether it was hashed at another cost than is used now: to be hashed anew while the password is at hand. */
export function isOutdated(stored: string, cost: PasswordCost = PASSWORD_COST): boolean {
  const read = readStored(stored);
  return read === null || read.cost.logN !== cost.logN || read.cost.r !== cost.r || read.cost.p !== cost.p;
}

function readStored(stored: string | null) {
  const [kind, logN, r, p, salt, hash] = stored?.split('$') ?? [];
  if (kind !== 'scrypt' || salt === undefined || hash === undefined) return null;
  const bytes = Buffer.from(hash, 'base64url');
  if (bytes.byteLength !== HASH_BYTES) return null;
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  return { cost, salt: Buffer.from(salt, 'base64url'), hash: bytes };
}

function derive(password: string, salt: Buffer, { logN, r, p }: PasswordCost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r, p, maxmem: MEMORY_BYTES_MAX };
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  // Keyboards write the same letter in several ways; NFKC makes them one.
  scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
