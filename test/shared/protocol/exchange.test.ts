// How clients of the API ask: addresses from the table, the version that was read, a change that is made once.
import { describe, expect, it } from 'vitest';
import { endpoint } from '../../../shared/protocol/address.ts';
import { openExchange, type Request } from '../../../shared/protocol/exchange.ts';

describe('endpoint', () => {
  it('fills the path, and puts everything else into the query', () => {
    expect(endpoint('GET /v1/status')).toEqual({ method: 'GET', path: '/v1/status' });
    const where = { site: 'plant a', device: 'cam/1' };
    expect(endpoint('GET /v1/devices/:site/:device/events', { ...where, limit: 5 })).toEqual({
      method: 'GET',
      path: '/v1/devices/plant%20a/cam%2F1/events?limit=5',
    });
  });

  it('leaves out what is not said', () => {
    const values = { site: undefined, selector: '', cursor: null, limit: 0 };
    expect(endpoint('GET /v1/devices', values).path).toBe('/v1/devices?limit=0');
  });

  it('is checked by the compiler', () => {
    // @ts-expect-error there is no such route
    endpoint('GET /v1/rollout/:id', { id: 'ro-1' });
    // @ts-expect-error a parameter of the path is missing
    expect(endpoint('GET /v1/rollouts/:id', {}).path).toBe('/v1/rollouts/undefined');
    // @ts-expect-error it has no such question
    endpoint('GET /v1/devices', { place: 'plant-a' });
  });
});

/** A control plane with one rollout at a version, which asks for it. */
function played({ asks = true } = {}) {
  const requests: Request[] = [];
  let key = 0;
  const exchange = openExchange({
    newKey: () => `key-${++key}`,
    send: async (request) => {
      requests.push(request);
      if (request.method === 'GET') return { ok: true, status: 200, etag: '"v7"' };
      const isMissing = asks && request.headers['if-match'] === undefined;
      return isMissing ? { ok: false, status: 428, etag: null } : { ok: true, status: 200, etag: '"v8"' };
    },
  });
  return { exchange, requests };
}

const rollout = endpoint('GET /v1/rollouts/:id', { id: 'ro-1' });
const promote = endpoint('POST /v1/rollouts/:id/:verb', { id: 'ro-1', verb: 'promote' });

describe('a change', () => {
  it('is meant for the version that was read', async () => {
    const { exchange, requests } = played();
    await exchange(rollout);
    expect(await exchange(promote, { body: { reason: 'looks good' } })).toMatchObject({ ok: true });
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(requests[1]).toEqual({
      method: 'POST',
      path: '/v1/rollouts/ro-1/promote',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'key-1', 'if-match': '"v7"' },
      body: '{"reason":"looks good"}',
    });
  });

  it('of what was not read is meant for what is there now, and is the same act', async () => {
    const { exchange, requests } = played();
    await exchange(promote, { body: {} });
    expect(requests.map(({ method, headers }) => [method, headers['idempotency-key'], headers['if-match']])).toEqual([
      ['POST', 'key-1', undefined],
      ['GET', undefined, undefined],
      ['POST', 'key-1', '"v7"'],
    ]);
  });

  it('that says for which version it is meant is taken at its word', async () => {
    const { exchange, requests } = played();
    await exchange(rollout);
    await exchange(promote, { body: {}, headers: { 'if-match': '*' } });
    expect(requests[1]?.headers['if-match']).toBe('*');
  });

  it('never names a version with a kill', async () => {
    const { exchange, requests } = played({ asks: false });
    await exchange(endpoint('POST /v1/kills'), { body: { scope: { kind: 'fleet' }, reason: 'now' } });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers['if-match']).toBeUndefined();
  });
});
