// The kill lane must know every kill topic and nothing else.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKillTopic, judgePublish, judgeSubscribe, type Principal } from '../../../control-plane/messaging/access.ts';
import { askTopic, deviceSubscriptions, FLEET_KILL_TOPIC, killTopics } from '../../../shared/protocol/topics.ts';

const name = fc.stringMatching(/^[a-z0-9-]{3,64}$/);
const address = fc.record({ site: name, device: name });

describe('isKillTopic', () => {
  it('knows the fleet, site and device kill of any name', () => {
    fc.assert(fc.property(address, (of) => killTopics(of).every(isKillTopic)));
  });

  it.each([
    'belay/v1/plant-a/cam-one/desired',
    'belay/v1/kill/cam-one/desired',
    'belay/v1/plant-a/kill/desired',
    'belay/v1/plant-a/cam-one/kill/more',
    'belay/v2/kill',
    'kill',
    '',
  ])('is false for "%s"', (topic) => {
    expect(isKillTopic(topic)).toBe(false);
  });
});

describe('judgeSubscribe', () => {
  it('grants a device all subscriptions the agent makes, and none of another device', () => {
    fc.assert(
      fc.property(address, address, (own, other) => {
        const principal: Principal = { kind: 'device', ...own };
        const isGranted = (topic: string) => judgeSubscribe(principal, { topic, qos: 1 }).kind === 'allowed';
        expect(deviceSubscriptions(own).every(isGranted)).toBe(true);
        const foreign = deviceSubscriptions(other).filter((topic) => !deviceSubscriptions(own).includes(topic));
        expect(foreign.some(isGranted)).toBe(false);
        expect(isGranted(askTopic(own))).toBe(true);
        expect(isGranted(askTopic(other))).toBe(askTopic(other) === askTopic(own));
      }),
    );
  });
});

describe('judgePublish', () => {
  it('never lets a device write what the control plane writes', () => {
    fc.assert(
      fc.property(address, (own) => {
        const topics = [...deviceSubscriptions(own), askTopic(own), FLEET_KILL_TOPIC];
        const kinds = topics.map(
          (topic) =>
            judgePublish({ kind: 'device', ...own }, { topic, qos: 1, retain: false, payloadBytes: 1 }, 65_536).kind,
        );
        expect(new Set(kinds)).toEqual(new Set(['refused']));
      }),
    );
  });
});
