// What the broker keeps can be asked for by its exact topic: the second path of a device reads it from there.
import { describe, expect, it } from 'vitest';
import { FLEET_KILL_TOPIC } from '../../../shared/protocol/topics.ts';
import { startBroker, topicOf } from './broker-fixture.ts';

describe('a retained document', () => {
  it('can be read by its topic: seeded, replaced, taken back, and never one that was not retained', async () => {
    const desired = topicOf('cam-one', 'desired');
    await using test = await startBroker({ retained: [{ topic: desired, payload: 'seeded' }] });
    expect(test.broker.retained(desired)).toBe('seeded');
    await test.broker.publish(desired, 'newer', { retain: true });
    await test.broker.publish(FLEET_KILL_TOPIC, 'passing');
    expect([test.broker.retained(desired), test.broker.retained(FLEET_KILL_TOPIC)]).toEqual(['newer', null]);
    await test.broker.publish(FLEET_KILL_TOPIC, 'kept', { retain: true });
    await test.broker.publish(desired, '', { retain: true });
    expect([test.broker.retained(desired), test.broker.retained(FLEET_KILL_TOPIC)]).toEqual([null, 'kept']);
  });
});
