// The control plane's own key and the secret that device passwords are derived from: made on first start, files 0600.
// Losing the key file means every device has to be given the new key set; back it up with the database.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { z } from 'zod';
import { BelayError } from '../../shared/basics/errors.ts';
import { describeProblems, parseJson } from '../../shared/basics/parsing.ts';
import type { DeviceAddress } from '../../shared/protocol/topics.ts';
import { type KeySet, openSigner, type Signer } from '../../shared/signing/signed-document.ts';

export type Signing = {
  readonly sign: Signer;
  /** What devices trust; published at GET /v1/trust. */
  readonly keySet: KeySet;
  readonly deviceSecret: Uint8Array;
};

const keyFileSchema = z.looseObject({
  kid: z.string().min(1),
  privateJwk: z.looseObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: z.string().min(1),
    d: z.string().min(1),
  }),
});
type KeyFile = z.infer<typeof keyFileSchema>;

const SECRET_BYTES = 32;

/** Reads or makes `signing-key.json` and `device-secret` in the data folder; throws BelayError `signing-key-unreadable`. */
export async function openSigning(dataDir: string): Promise<Signing> {
  const key = await openKey(join(dataDir, 'signing-key.json'));
  const deviceSecret = await openSecret(join(dataDir, 'device-secret'));
  const { kty, crv, x } = key.privateJwk;
  return {
    sign: await openSigner(key),
    keySet: { keys: [{ kty, crv, x, kid: key.kid, alg: 'EdDSA', use: 'sig' }] },
    deviceSecret,
  };
}

/** The MQTT password of a device: derived, so that nothing secret per device has to be stored. `epoch`: how often it has retired. */
export function devicePassword(secret: Uint8Array, { site, device }: DeviceAddress, epoch = 0): string {
  const name = epoch === 0 ? `${site}/${device}` : `${site}/${device}#${epoch}`;
  return createHmac('sha256', secret).update(name).digest('base64url');
}

/** Compares in constant time. */
export function isDevicePassword(secret: Uint8Array, address: DeviceAddress, password: Uint8Array, epoch = 0): boolean {
  const expected = Buffer.from(devicePassword(secret, address, epoch));
  return expected.byteLength === password.byteLength && timingSafeEqual(expected, password);
}

async function openKey(path: string): Promise<KeyFile> {
  const stored = await readIfPresent(path);
  const text = stored ?? (await writeSecretFile(path, Buffer.from(JSON.stringify(await makeKey()))));
  const parsed = parseJson(keyFileSchema, text);
  if (!parsed.ok) {
    const problems = describeProblems(parsed.problems);
    throw new BelayError('signing-key-unreadable', `reading ${path}: ${problems}; restore it from a backup`);
  }
  return parsed.value;
}

async function makeKey(): Promise<unknown> {
  const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const privateJwk = await exportJWK(privateKey);
  const kid = createHash('sha256')
    .update(privateJwk.x ?? '')
    .digest('hex')
    .slice(0, 16);
  return { kid, privateJwk };
}

async function openSecret(path: string): Promise<Uint8Array> {
  const secret = (await readIfPresent(path)) ?? (await writeSecretFile(path, randomBytes(SECRET_BYTES)));
  if (secret.byteLength !== SECRET_BYTES) {
    throw new BelayError(
      'signing-key-unreadable',
      `reading ${path}: not ${SECRET_BYTES} bytes; restore it from a backup`,
    );
  }
  return secret;
}

async function readIfPresent(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new BelayError('signing-key-unreadable', `reading ${path} failed; check its owner and rights`, {
      cause: error,
    });
  }
}

async function writeSecretFile(path: string, content: Buffer): Promise<Buffer> {
  // Written aside first: a power cut must not leave half a key, which would lock every device out.
  const file = await open(`${path}.part`, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  return content;
}
