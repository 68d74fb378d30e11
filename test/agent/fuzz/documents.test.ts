// Documents from the control plane: signed rubbish, as a newer control plane may send it, and damaged texts of good ones.
// Whatever comes, nothing throws, the baseline goes on, kills stay in force, and the device says what it refused.

import fc from 'fast-check';
import { exportJWK, generateKeyPair } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CoreEvent } from '../../../agent/core/events.ts';
import { blockedOf, reportOf } from '../../../agent/core/explain.ts';
import { openIncoming } from '../../../agent/incoming.ts';
import { encodeSlot } from '../../../agent/state/slot-codec.ts';
import { reportedSchema } from '../../../shared/protocol/reports.ts';
import { killTopics } from '../../../shared/protocol/topics.ts';
import { openSigner, openVerifier, type Signer, type Verifier } from '../../../shared/signing/signed-document.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import {
  BOOT,
  CoreWorld,
  DEVICE,
  desired,
  fleetKill,
  killDocument,
  ref,
  releaseKill,
  SITE,
} from '../core/core-world.ts';
import { damaged, deepText, edited } from './mutations.ts';

const ADDRESS = { site: SITE, device: DEVICE };
const [FLEET = ''] = killTopics(ADDRESS);
const RUNS = { numRuns: 700 };

let sign: Signer;
let verify: Verifier;

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  sign = await openSigner({ kid: 'k1', privateJwk: await exportJWK(privateKey) });
  const { x = '' } = await exportJWK(publicKey);
  verify = await openVerifier({ keys: [{ kty: 'OKP', crv: 'Ed25519', x, kid: 'k1' }] });
});

/** A device that serves b, with c ready in the shadow, and takes texts as the link gives them. */
function openDevice() {
  const world = new CoreWorld();
  world.order(desired(1, 'b'));
  world.settle();
  world.order(desired(2, 'b', { name: 'c', role: 'shadow' }));
  world.settle();
  const log = openRecordingLog();
  const facts: CoreEvent[] = [];
  const incoming = openIncoming({
    verify,
    address: ADDRESS,
    monotonicNow: () => world.nowMs,
    log,
    asked: () => undefined,
    send: (event) => {
      facts.push(event);
      world.send(event);
      world.settle();
    },
  });
  const take = async (give: (taker: typeof incoming) => void): Promise<CoreEvent | undefined> => {
    const before = facts.length;
    give(incoming);
    await expect.poll(() => facts.length + log.entries.length, { interval: 1 }).toBeGreaterThan(before);
    return facts[before];
  };
  return { world, log, take };
}

type Device = ReturnType<typeof openDevice>;

/** What holds after every document, good or bad. */
function checkDevice({ world, log }: Device): void {
  expect(log.entries.filter(({ level }) => level === 'error')).toEqual([]);
  expect(world.state.serving.kind).not.toBe('candidate');
  const report = reportOf(world.state, world.nowMs);
  const header = {
    v: 1,
    site: SITE,
    device: DEVICE,
    boot: BOOT,
    atMs: 1,
    agentVersion: '1',
    hardwareClass: 'linux',
    line: null,
  };
  const parsed = reportedSchema.safeParse(clean({ ...header, ...report }));
  expect(parsed.error?.issues ?? []).toEqual([]);
  // Whatever was taken can be kept: a state that does not fit its slot would stop every candidate for ever.
  expect(encodeSlot(1, world.state.durable).length).toBe(4096);
}

function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

function checkRefusal({ world }: Device, fact: CoreEvent | undefined): void {
  if (fact?.kind !== 'refused') return;
  expect(world.state.refused[fact.refusal]).toBeGreaterThan(0);
  const shown = blockedOf(world.state, world.nowMs).find(({ kind }) => kind === fact.refusal);
  expect(shown?.reason.length ?? 0).toBeGreaterThan(0);
  // One line for a terminal: no control characters, whatever a stranger has written into a header.
  expect(shown?.reason).not.toMatch(/\p{Cc}/u);
}

describe('a desired document', () => {
  it('that is signed rubbish never starts a candidate', async () => {
    const valid = desired(3, 'b', { name: 'c', role: 'shadow' });
    const device = openDevice();
    await fc.assert(
      fc.asyncProperty(edited(valid), async (document) => {
        const text = await sign('desired', document);
        const before = device.world.state.refused;
        const fact = await device.take((incoming) => incoming.onDesired(text));
        checkDevice(device);
        checkRefusal(device, fact);
        if (fact?.kind === 'refused') expect(device.world.state.refused).not.toEqual(before);
      }),
      RUNS,
    );
  });

  it('that was damaged on its way is refused, or is the very same document', async () => {
    const document = desired(3, 'b', { name: 'c', role: 'serve' });
    const text = Buffer.from(await sign('desired', document));
    await fc.assert(
      fc.asyncProperty(damaged(text), async (bytes) => {
        const device = openDevice();
        const fact = await device.take((incoming) => incoming.onDesired(new TextDecoder().decode(bytes)));
        if (fact?.kind === 'desired') expect(fact.document).toEqual(document);
        else checkDevice(device);
        checkRefusal(device, fact);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a kill document', () => {
  it('that is signed rubbish lifts no kill that is in force', async () => {
    const valid = killDocument(5, [fleetKill(), releaseKill('c')]);
    await fc.assert(
      fc.asyncProperty(edited(valid), async (document) => {
        const device = openDevice();
        await device.take(
          (incoming) => void sign('kill', killDocument(9, [fleetKill()])).then((text) => incoming.onKill(FLEET, text)),
        );
        const text = await sign('kill', document);
        const fact = await device.take((incoming) => incoming.onKill(FLEET, text));
        checkDevice(device);
        checkRefusal(device, fact);
        const isNewer = fact?.kind === 'kill' && fact.document.epoch > 9;
        if (!isNewer) expect(device.world.state.durable.kills[0]?.entries.map(({ id }) => id)).toEqual(['k-1']);
      }),
      { numRuns: 400 },
    );
  });

  it('with an entry that this agent cannot read stops every candidate: not to understand a kill is no reason to go on', async () => {
    const foreign = {
      id: 'k-9',
      scope: { kind: 'press-hall', hall: 7 },
      reason: 'smoke',
      actor: 'on-call',
      raisedAtMs: 1,
    };
    for (const entry of [foreign, { ...foreign, id: 7 }, 'stop', null, { ...fleetKill(), reason: '' }]) {
      const device = openDevice();
      const document = { ...killDocument(5, []), kills: [releaseKill('d'), entry] };
      const text = await sign('kill', document);
      await device.take((incoming) => incoming.onKill(FLEET, text));
      checkDevice(device);
      const blocked = blockedOf(device.world.state, device.world.nowMs);
      expect(blocked[0], JSON.stringify(entry)).toMatchObject({ kind: 'killed' });
      expect(device.world.state.durable.kills[0]?.entries).toHaveLength(2);
    }
  });

  it('with more entries than the contract allows stops every candidate', async () => {
    const kills = Array.from({ length: 400 }, (_, i) => ({ ...fleetKill(`k-${i}`), reason: 'x' }));
    const device = openDevice();
    const text = await sign('kill', killDocument(5, kills));
    const fact = await device.take((incoming) => incoming.onKill(FLEET, text));
    expect(fact?.kind).toBe('kill');
    checkDevice(device);
    expect(blockedOf(device.world.state, device.world.nowMs)[0]?.kind).toBe('killed');
  });
});

describe('a lease', () => {
  it('that is signed rubbish, or for another hello, lets no candidate answer', async () => {
    const valid = {
      v: 1,
      ...ADDRESS,
      boot: BOOT,
      nonce: 1,
      digest: ref('c').digest,
      generation: 2,
      ttlMs: 60_000,
      issuedAtMs: 1,
    };
    const device = openDevice();
    await fc.assert(
      fc.asyncProperty(edited(valid), async (document) => {
        const text = await sign('lease', document);
        const fact = await device.take((incoming) => incoming.onLease(text));
        checkDevice(device);
        checkRefusal(device, fact);
      }),
      RUNS,
    );
  });
});

describe('strangers', () => {
  it('who send thousands of different refused texts fill neither memory, nor the spool, nor the report', async () => {
    const device = openDevice();
    for (let i = 0; i < 2000; i += 1) {
      const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: `\u001b[2J ${i} ${'k'.repeat(1000)}` })).toString(
        'base64url',
      );
      await device.take((incoming) => incoming.onDesired(`${header}.e30.AAAA`));
    }
    checkDevice(device);
    expect(device.world.state.refused['bad-signature']).toBe(2000);
    expect(device.world.state.lastRefusals.length).toBeLessThanOrEqual(5);
    expect(device.world.events.filter(({ kind }) => kind === 'document-refused').length).toBeLessThan(100);
    expect(blockedOf(device.world.state, device.world.nowMs)[0]?.reason).not.toMatch(/\p{Cc}/u);
  });

  it('whose texts are too deep, too long or of no format are told so in time', async () => {
    const device = openDevice();
    const texts = ['', '.', '..', '...', 'a.b.c', deepText(30_000), 'x'.repeat(1_000_000), '\u0000'.repeat(1000)];
    for (const text of texts) {
      const startMs = performance.now();
      for (const give of ['onDesired', 'onLease'] as const) {
        const fact = await device.take((incoming) => incoming[give](text));
        expect(fact?.kind).toBe('refused');
      }
      await device.take((incoming) => incoming.onKill(FLEET, text));
      expect(performance.now() - startMs).toBeLessThan(1000);
    }
    checkDevice(device);
  });
});
