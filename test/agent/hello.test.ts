// What a device says first: who it is, what it has reached, and what it asks for.
import { expect, it } from 'vitest';
import { openHello } from '../../agent/hello.ts';
import { helloSchema } from '../../shared/protocol/reports.ts';
import { openRecordingLog } from '../fakes/recording-log.ts';
import { CoreWorld, DEVICE, desired, fleetKill, killDocument, SITE } from './core/core-world.ts';

const HEADER = {
  v: 1 as const,
  site: SITE,
  device: DEVICE,
  boot: 'boot-0001',
  agentVersion: '1',
  hardwareClass: 'x86-64',
  line: null,
};

it('says what it has reached and what it asks for, and nothing while there is no link', async () => {
  const world = new CoreWorld();
  const said: { channel: string; text: string; retain: boolean }[] = [];
  let isUp = false;
  const sayHello = openHello({
    header: HEADER,
    state: () => world.state,
    spool: { seqLast: 482 },
    link: {
      isUp: () => isUp,
      publish: async (channel, text, { retain }) => void said.push({ channel, text, retain }),
    },
    log: openRecordingLog(),
  });
  world.order(desired(12, 'f'));
  world.kill(killDocument(7, [fleetKill()]));
  sayHello(null);
  expect(said).toEqual([]);
  isUp = true;
  sayHello({ nonce: 3, digest: 'b'.repeat(64) });
  expect(said).toMatchObject([{ channel: 'hello', retain: false }]);
  expect(helloSchema.parse(JSON.parse(said[0]?.text ?? ''))).toEqual({
    ...HEADER,
    generation: 12,
    killEpoch: 7,
    seq: 482,
    lease: { nonce: 3, digest: 'b'.repeat(64) },
  });
});
