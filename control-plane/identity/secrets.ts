// Random secrets that are shown once, and the hashes that are kept of them.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;
/** No letter that is taken for another: it is read from a terminal and typed. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';

export function newSecret(prefix = ''): string {
  return `${prefix}${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** 256 random bits need no slow hash. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret);
}

/** What belongs to a session beside its cookie: nobody who only knows the database can work it out. */
export function csrfOf(secret: string): string {
  return hash('sha256', `csrf:${secret}`, 'base64url');
}

export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

export function newId(prefix: string): string {
  return `${prefix}${randomBytes(6).toString('hex')}`;
}

/** 24 letters in groups: 120 bits. */
export function newPassword(): string {
  const letters = [...randomBytes(24)].map((byte) => LETTERS[byte % LETTERS.length]);
  return (letters.join('').match(/.{6}/g) ?? []).join('-');
}
