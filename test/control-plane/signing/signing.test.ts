// The control plane's key and device passwords: made once, kept private, the same after a restart.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { devicePassword, isDevicePassword, openSigning } from '../../../control-plane/signing/signing.ts';
import { killDocumentSchema } from '../../../shared/protocol/documents.ts';
import { keySetSchema, openVerifier } from '../../../shared/signing/signed-document.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'belay-signing-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('openSigning', () => {
  it('makes private files on the first start and finds the same key on the second', async () => {
    const first = await openSigning(folder);
    const second = await openSigning(folder);
    expect(second.keySet).toEqual(first.keySet);
    expect(second.deviceSecret).toEqual(first.deviceSecret);
    for (const file of ['signing-key.json', 'device-secret']) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    }
  });

  it('publishes only the public half, which verifies what the private half signs', async () => {
    const signing = await openSigning(folder);
    expect(JSON.stringify(signing.keySet)).not.toContain('"d"');
    const document = { v: 1 as const, epoch: 7, issuedAtMs: 1, kills: [] };
    const verify = await openVerifier(keySetSchema.parse(signing.keySet));
    const verified = await verify('kill', killDocumentSchema, await signing.sign('kill', document));
    expect(verified).toMatchObject({ ok: true, value: document });
  });

  it('refuses a damaged key file and says what to do', async () => {
    await writeFile(join(folder, 'signing-key.json'), '{"kid":"a"}');
    await expect(openSigning(folder)).rejects.toThrow(/signing-key.json: privateJwk.*restore it from a backup/);
  });
});

describe('devicePassword', () => {
  it('belongs to one address', async () => {
    const { deviceSecret } = await openSigning(folder);
    const address = { site: 'plant-a', device: 'dev-1' };
    const password = Buffer.from(devicePassword(deviceSecret, address));
    expect(isDevicePassword(deviceSecret, address, password)).toBe(true);
    expect(isDevicePassword(deviceSecret, { ...address, device: 'dev-2' }, password)).toBe(false);
    expect(isDevicePassword(deviceSecret, address, Buffer.from('short'))).toBe(false);
  });
});
