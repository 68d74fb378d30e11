// Topics are read back into what they were made of.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CONTROL_CHANNELS,
  DEVICE_CHANNELS,
  deviceSubscriptions,
  deviceTopic,
  killTopics,
  parseDeviceTopic,
} from '../../../shared/protocol/topics.ts';

const name = fc.stringMatching(/^[a-z0-9-]{3,64}$/);
const channel = fc.constantFrom(...DEVICE_CHANNELS, ...CONTROL_CHANNELS);

describe('device topics', () => {
  it('are read back into what they were made of', () => {
    fc.assert(
      fc.property(name, name, channel, (site, device, ofChannel) => {
        const topic = deviceTopic({ site, device }, ofChannel);
        expect(parseDeviceTopic(topic)).toEqual({ site, device, channel: ofChannel });
        expect(topic).toMatch(/^[a-z0-9/-]+$/);
      }),
    );
  });

  it('are told from every other topic', () => {
    for (const topic of [
      '',
      'belay/v1/kill',
      'belay/v1/plant-a/kill',
      'belay/v2/plant-a/cam-01/window',
      'belay/v1/plant-a/cam-01/window/x',
      'belay/v1//cam-01/window',
      '/belay/v1/plant-a/cam-01',
    ])
      expect(parseDeviceTopic(topic)).toBeNull();
  });

  it('subscribe to six exact topics, kills before what is desired', () => {
    const address = { site: 'plant-a', device: 'cam-01' };
    const topics = deviceSubscriptions(address);
    expect(topics.slice(0, 3)).toEqual(killTopics(address));
    expect(topics).toHaveLength(6);
    expect(new Set(topics).size).toBe(6);
    expect(topics.every((topic) => !/[+#$]/.test(topic))).toBe(true);
  });
});
