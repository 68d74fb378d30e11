// Says who we are to an HTTP camera: the answer to its challenge by Basic or Digest (RFC 7617, RFC 7616). Pure but for
// the hash.
import { createHash } from 'node:crypto';

export type Credentials = { readonly user: string; readonly password: string };

export type Challenge =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'digest';
      readonly realm: string;
      readonly nonce: string;
      readonly opaque: string | null;
      readonly algorithm: 'MD5' | 'SHA-256';
      readonly hasQop: boolean;
    };

export type Asked = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** How often this nonce has been answered, from 1 on. */
  readonly count: number;
  readonly clientNonce: string;
};

/** The strongest challenge of a WWW-Authenticate header that can be answered; null when there is none. */
export function readChallenge(header: string): Challenge | null {
  // A new challenge begins where a word is followed by a parameter instead of "=".
  const offers = header.split(/,\s*(?=[A-Za-z]+\s+[A-Za-z]+=)/);
  const digests = offers.flatMap((offer) => readDigest(offer) ?? []);
  const best = digests.find(({ algorithm }) => algorithm === 'SHA-256') ?? digests[0];
  if (best !== undefined) return best;
  return offers.some((offer) => /^\s*basic\b/i.test(offer)) ? { scheme: 'basic' } : null;
}

/** The Authorization header. */
export function answerChallenge(challenge: Challenge, { user, password }: Credentials, asked: Asked): string {
  if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const { realm, nonce, opaque, algorithm, hasQop } = challenge;
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const count = asked.count.toString(16).padStart(8, '0');
  const who = hash(`${user}:${realm}:${password}`);
  const what = hash(`${asked.method}:${asked.path}`);
  const response = hash(
    hasQop ? `${who}:${nonce}:${count}:${asked.clientNonce}:auth:${what}` : `${who}:${nonce}:${what}`,
  );
  const fields = [
    `username="${quoted(user)}"`,
    `realm="${quoted(realm)}"`,
    `nonce="${quoted(nonce)}"`,
    `uri="${asked.path}"`,
    `algorithm=${algorithm}`,
    `response="${response}"`,
    ...(hasQop ? ['qop=auth', `nc=${count}`, `cnonce="${asked.clientNonce}"`] : []),
    ...(opaque === null ? [] : [`opaque="${quoted(opaque)}"`]),
  ];
  return `Digest ${fields.join(', ')}`;
}

function readDigest(offer: string): Extract<Challenge, { scheme: 'digest' }> | null {
  if (!/^\s*digest\s/i.test(offer)) return null;
  const field = (name: string) => {
    const found = new RegExp(`\\b${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,]+))`, 'i').exec(offer);
    return found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2] ?? null;
  };
  const algorithm = (field('algorithm') ?? 'MD5').toUpperCase();
  if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return null;
  const [realm, nonce, qop] = [field('realm'), field('nonce'), field('qop')];
  if (realm === null || nonce === null) return null;
  const hasQop = (qop ?? '').split(/[\s,]+/).includes('auth');
  return { scheme: 'digest', realm, nonce, opaque: field('opaque'), algorithm, hasQop };
}

function quoted(text: string): string {
  return text.replace(/["\\]/g, '\\$&');
}
