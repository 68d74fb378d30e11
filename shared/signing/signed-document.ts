// Signed documents: compact JWS (RFC 7515) with EdDSA (RFC 8037). jose has no opinion on `typ`; we check it here, with the audience.
import { CompactSign, compactVerify, importJWK, type JWK } from 'jose';
import { z } from 'zod';
import { describeProblems, parseJson } from '../basics/parsing.ts';

/** What the header `typ` may be: one per kind of document, so that one can never pass for another. */
export const DOCUMENT_TYPES = {
  desired: 'belay.desired.v1',
  kill: 'belay.kill.v1',
  lease: 'belay.lease.v1',
  ask: 'belay.ask.v1',
} as const;
export type DocumentKind = keyof typeof DOCUMENT_TYPES;

/** 64 KiB: the largest document any supported broker carries without configuration. */
export const SIGNED_BYTES_MAX = 64 * 1024;

const publicKeySchema = z.looseObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string().min(1),
});
/** The control plane's public keys as a JWK set: what a device trusts. */
export const keySetSchema = z.looseObject({ keys: z.array(publicKeySchema).min(1).max(8) });
export type KeySet = z.infer<typeof keySetSchema>;

export type SigningKey = { readonly kid: string; readonly privateJwk: JWK };

export type Verified<T> =
  | { readonly ok: true; readonly value: T; readonly kid: string }
  | { readonly ok: false; readonly kind: 'bad-signature' | 'malformed-document'; readonly reason: string };

export type Signer = (kind: DocumentKind, payload: unknown) => Promise<string>;
export type Verifier = <T>(kind: DocumentKind, schema: z.ZodType<T>, text: string) => Promise<Verified<T>>;

/** A signer for one private key. */
export async function openSigner(key: SigningKey): Promise<Signer> {
  const privateKey = await importJWK(key.privateJwk, 'EdDSA');
  return (kind, payload) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid: key.kid, typ: DOCUMENT_TYPES[kind] })
      .sign(privateKey);
}

/** A verifier that knows only these keys. Refusals are values with a sentence; nothing here throws on foreign input. */
export async function openVerifier(keySet: KeySet): Promise<Verifier> {
  const keys = new Map<string, Awaited<ReturnType<typeof importJWK>>>();
  for (const jwk of keySet.keys) keys.set(jwk.kid, await importJWK(jwk as JWK, 'EdDSA'));
  return async (kind, schema, text) => {
    if (text.length > SIGNED_BYTES_MAX) return refuse('malformed-document', `larger than ${SIGNED_BYTES_MAX} bytes`);
    const opened = await openJws(keys, kind, text);
    if (!opened.ok) return opened;
    const parsed = parseJson(schema, opened.payload);
    if (!parsed.ok) return refuse('malformed-document', describeProblems(parsed.problems));
    return { ok: true, value: parsed.value, kid: opened.kid };
  };
}

type Opened =
  | { readonly ok: true; readonly payload: Uint8Array; readonly kid: string }
  | { readonly ok: false; readonly kind: 'bad-signature'; readonly reason: string };

async function openJws(
  keys: ReadonlyMap<string, Awaited<ReturnType<typeof importJWK>>>,
  kind: DocumentKind,
  text: string,
): Promise<Opened> {
  let kid = '';
  try {
    const { payload, protectedHeader } = await compactVerify(
      text,
      (header) => {
        kid = header.kid ?? '';
        const key = keys.get(kid);
        if (!key) throw new Error(`signed by an unknown key "${kid}"`);
        return key;
      },
      { algorithms: ['EdDSA'] },
    );
    if (protectedHeader.typ !== DOCUMENT_TYPES[kind])
      return refuse('bad-signature', `is a "${protectedHeader.typ}", not a "${DOCUMENT_TYPES[kind]}"`);
    return { ok: true, payload, kid };
  } catch (error) {
    return refuse('bad-signature', (error as Error).message);
  }
}

function refuse<K extends 'bad-signature' | 'malformed-document'>(
  kind: K,
  reason: string,
): { ok: false; kind: K; reason: string } {
  return { ok: false, kind, reason };
}
