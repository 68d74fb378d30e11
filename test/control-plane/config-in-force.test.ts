// What people are told of the configuration: every setting with its value and where it is from, and no secret.
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../control-plane/config.ts';
import { configInForce } from '../../control-plane/config-in-force.ts';

const told = (input: object) =>
  new Map(configInForce(parseConfig({ dataDir: '/srv/belay', ...input })).settings.map((each) => [each.key, each]));

describe('configInForce', () => {
  it('names what was said, and what is so by default', () => {
    const settings = told({ tickMs: 1000, webhooks: { allowNetworks: ['127.0.0.0/8'] } });
    expect(settings.get('tickMs')).toEqual({ key: 'tickMs', value: '1000', isDefault: false });
    expect(settings.get('webhooks.allowNetworks')).toMatchObject({ value: '["127.0.0.0/8"]', isDefault: false });
    expect(settings.get('dataDir')).toMatchObject({ value: '/srv/belay', isDefault: false });
    expect(settings.get('http.port')).toEqual({ key: 'http.port', value: '7420', isDefault: true });
    expect(settings.get('homeAssistant')).toMatchObject({ value: 'off', isDefault: true });
    expect([...settings.keys()]).toEqual([...settings.keys()].toSorted());
  });

  it('leaves out what stands in an address before its @', () => {
    const settings = told({ publicUrls: { http: 'https://ana:secret@belay.example.com/' } });
    expect(settings.get('publicUrls.http')?.value).toBe('https://…@belay.example.com/');
    expect(JSON.stringify([...settings])).not.toContain('secret');
  });
});
