// Documents from the control plane become facts in the order of their arrival, whatever happened to the one before.
import { expect, it } from 'vitest';
import type { CoreEvent } from '../../agent/core/events.ts';
import { openIncoming } from '../../agent/incoming.ts';
import { killTopics } from '../../shared/protocol/topics.ts';
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
