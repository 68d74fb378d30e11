// Signatures: who is believed, and every way not to be.
import fc from 'fast-check';
import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { ackSchema, killDocumentSchema } from '../../../shared/protocol/documents.ts';
import {
  DOCUMENT_TYPES,
  keySetSchema,
  openSigner,
  openVerifier,
  SIGNED_BYTES_MAX,
  type Signer,
  type Verifier,
} from '../../../shared/signing/signed-document.ts';

const KILL = { v: 1, epoch: 7, issuedAtMs: 1_700_000_000_000, kills: [] };

type Pair = { readonly privateJwk: JWK; readonly publicJwk: JWK & { kid: string } };

async function makeKey(kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return { privateJwk: await exportJWK(privateKey), publicJwk: { ...(await exportJWK(publicKey)), kid } };
}

let key: Pair;
let other: Pair;
let sign: Signer;
let verify: Verifier;

beforeAll(async () => {
  [key, other] = await Promise.all([makeKey('cp-1'), makeKey('cp-2')]);
  sign = await openSigner({ kid: 'cp-1', privateJwk: key.privateJwk });
  verify = await openVerifier(keySetSchema.parse({ keys: [key.publicJwk] }));
});

async function signRaw(payload: Uint8Array | string, header: Record<string, unknown>, by = key): Promise<string> {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  return new CompactSign(bytes)
    .setProtectedHeader({ alg: 'EdDSA', ...header })
    .sign(await importJWK(by.privateJwk, 'EdDSA'));
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a signed document', () => {
  it('is read back by who knows the key, and names the key', async () => {
    expect(await verify('kill', killDocumentSchema, await sign('kill', KILL))).toEqual({
      ok: true,
      value: KILL,
      kid: 'cp-1',
    });
  });

  it('keeps fields that this version does not know', async () => {
    const newer = { ...KILL, scopeNote: 'from a newer control plane' };
    expect(await verify('kill', killDocumentSchema, await sign('kill', newer))).toMatchObject({
      ok: true,
      value: newer,
    });
  });

  it('is refused as another kind of document', async () => {
    const read = await verify('desired', ackSchema, await sign('kill', { v: 1, boot: 'boot-0001', seq: 4 }));
    expect(read).toMatchObject({ ok: false, kind: 'bad-signature' });
    expect(!read.ok && read.reason).toContain('belay.kill.v1');
  });

  it('is refused without a type', async () => {
    const read = await verify('kill', killDocumentSchema, await signRaw(JSON.stringify(KILL), { kid: 'cp-1' }));
    expect(read).toMatchObject({ ok: false, kind: 'bad-signature' });
  });

  it('is refused from a key that is not in the set, even under a trusted name', async () => {
    const header = { typ: DOCUMENT_TYPES.kill };
    for (const kid of ['cp-1', 'cp-2', '__proto__', ''])
      expect(
        await verify('kill', killDocumentSchema, await signRaw(JSON.stringify(KILL), { ...header, kid }, other)),
      ).toMatchObject({ ok: false, kind: 'bad-signature' });
  });

  it('is refused with any one character changed', async () => {
    const text = await sign('kill', KILL);
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(...'AQgw0_-.'), async (at, character) => {
        fc.pre(text[at] !== character);
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        const read = await verify('kill', killDocumentSchema, changed);
        // The last character of base64url carries spare bits; whatever still verifies says the same.
        if (read.ok) expect(read.value).toEqual(KILL);
        else expect(read.kind).toBe('bad-signature');
      }),
      { numRuns: 200 },
    );
  });

  it('is refused with header tricks: no algorithm, HMAC with the public key, an embedded key, critical extensions', async () => {
    const payload = encode(KILL);
    const unsigned = `${encode({ alg: 'none', kid: 'cp-1', typ: DOCUMENT_TYPES.kill })}.${payload}.`;
    const secret = new TextEncoder().encode(key.publicJwk.x ?? '');
    const hmac = await new CompactSign(Buffer.from(JSON.stringify(KILL)))
      .setProtectedHeader({ alg: 'HS256', kid: 'cp-1', typ: DOCUMENT_TYPES.kill })
      .sign(secret);
    const embedded = await signRaw(
      JSON.stringify(KILL),
      { typ: DOCUMENT_TYPES.kill, jwk: { ...other.publicJwk, kid: 'cp-1' } },
      other,
    );
    const [header, , signature] = (await sign('kill', KILL)).split('.');
    const critical = `${encode({ alg: 'EdDSA', kid: 'cp-1', typ: DOCUMENT_TYPES.kill, crit: ['exp'] })}.${payload}.${signature}`;
    const swapped = `${header}.${encode({ ...KILL, epoch: 8 })}.${signature}`;
    for (const text of [unsigned, hmac, embedded, critical, swapped, '', '..', 'a.b', 'a.b.c.d'])
      expect(await verify('kill', killDocumentSchema, text)).toMatchObject({ ok: false, kind: 'bad-signature' });
  });

  it('is refused when it is too large, before any work is done on it', async () => {
    const read = await verify('kill', killDocumentSchema, 'x'.repeat(SIGNED_BYTES_MAX + 1));
    expect(read).toMatchObject({ ok: false, kind: 'malformed-document' });
  });

  it('is refused when signed well but not what the schema says, with all the reasons', async () => {
    const read = await verify('kill', killDocumentSchema, await sign('kill', { ...KILL, epoch: 0, kills: 'none' }));
    expect(read).toMatchObject({ ok: false, kind: 'malformed-document' });
    expect(!read.ok && read.reason).toMatch(/epoch: .*; kills: /);
    const noJson = await signRaw('{"v":1', { kid: 'cp-1', typ: DOCUMENT_TYPES.kill });
    expect(await verify('kill', killDocumentSchema, noJson)).toMatchObject({ ok: false, kind: 'malformed-document' });
  });

  it('is verified by any key of a set, so that keys can be rolled over', async () => {
    const both = await openVerifier(keySetSchema.parse({ keys: [key.publicJwk, other.publicJwk] }));
    const signOther = await openSigner({ kid: 'cp-2', privateJwk: other.privateJwk });
    expect(await both('kill', killDocumentSchema, await sign('kill', KILL))).toMatchObject({ ok: true, kid: 'cp-1' });
    expect(await both('kill', killDocumentSchema, await signOther('kill', KILL))).toMatchObject({ kid: 'cp-2' });
  });
});
