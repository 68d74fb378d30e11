// Documents from the control plane become facts in the order of their arrival, whatever happened to the one before.
import { exportJWK, generateKeyPair } from 'jose';
import { expect, it } from 'vitest';
import type { CoreEvent } from '../../agent/core/events.ts';
import { openIncoming } from '../../agent/incoming.ts';
import { killTopics } from '../../shared/protocol/topics.ts';
import { keySetSchema, openSigner, openVerifier } from '../../shared/signing/signed-document.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { DEVICE, fleetKill, killDocument, SITE } from './core/core-world.ts';

const ADDRESS = { site: SITE, device: DEVICE };
const [FLEET = ''] = killTopics(ADDRESS);

it('a document that nobody can digest keeps no kill away', async () => {
  const facts: CoreEvent[] = [];
  const document = killDocument(1, [fleetKill()]);
  const incoming = openIncoming({
    address: ADDRESS,
    monotonicNow: () => 7,
    log: openRecordingLog(),
    asked: () => undefined,
    send: (event) => void facts.push(event),
    // The shape of a verifier; what it accepts is not the question here.
    verify: async (_typ, schema, text) => {
      if (text === 'poison') throw new RangeError('too deep');
      return { ok: true, value: schema.parse(document), kid: 'k1' };
    },
  });
  incoming.onDesired('poison');
  incoming.onKill(FLEET, 'a kill');
  await expect.poll(() => facts).toHaveLength(1);
  expect(facts[0]).toMatchObject({ kind: 'kill', topic: 'fleet', receivedAtMs: 7 });
});

it('a lease is taken for what it is, and nothing else that is signed passes for one', async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const sign = await openSigner({ kid: 'k1', privateJwk: await exportJWK(privateKey) });
  const keySet = keySetSchema.parse({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] });
  const facts: CoreEvent[] = [];
  const { onLease } = openIncoming({
    address: ADDRESS,
    monotonicNow: () => 7,
    log: openRecordingLog(),
    asked: () => undefined,
    send: (event) => void facts.push(event),
    verify: await openVerifier(keySet),
  });
  const numbers = { nonce: 3, digest: 'b'.repeat(64), generation: 1, ttlMs: 4000, issuedAtMs: 1 };
  const lease = { v: 1, ...ADDRESS, boot: 'boot-0001', ...numbers };
  onLease(await sign('lease', lease));
  onLease(await sign('kill', lease));
  onLease(await sign('lease', { ...lease, nonce: 0 }));
  onLease('not signed at all');
  await expect.poll(() => facts).toHaveLength(4);
  expect(facts).toMatchObject([
    { kind: 'lease', document: lease },
    { kind: 'refused', refusal: 'bad-signature' },
    { kind: 'refused', refusal: 'malformed-document', reason: expect.stringContaining('lease: ') },
    { kind: 'refused' },
  ]);
});
