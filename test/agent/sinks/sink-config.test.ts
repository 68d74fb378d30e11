// What a configuration may say about sinks.
import { describe, expect, it } from 'vitest';
import { placeSink, sinkSchema } from '../../../agent/sinks/sinks.ts';

const at = (path: string) => `/etc/belay/${path}`;

describe('sinkSchema', () => {
  it('places files beside the configuration, and fills in what is left out', () => {
    const http = { kind: 'http', url: 'https://10.0.0.5/answers', headersFile: 'token', labels: 'legacy' };
    expect(placeSink(sinkSchema.parse(http), at)).toEqual({
      kind: 'http',
      url: 'https://10.0.0.5/answers',
      batch: 200,
      timeoutMs: 10_000,
      headersFile: '/etc/belay/token',
      caFile: null,
      labels: 'legacy',
      only: 'all',
    });
    const socket = sinkSchema.parse({ kind: 'socket', path: 'answers.sock' });
    expect(placeSink(socket, at)).toMatchObject({ path: '/etc/belay/answers.sock' });
    const stdout = sinkSchema.parse({ kind: 'stdout' });
    expect(placeSink(stdout, at)).toEqual({ kind: 'stdout', labels: 'native', only: 'all' });
  });

  it.each([
    [{ kind: 'http', url: 'ftp://10.0.0.5/' }, 'must be a URL such as'],
    [{ kind: 'http', url: 'http://10.0.0.5/', batch: 0 }, 'expected number to be >=1'],
    [{ kind: 'socket', path: 'x'.repeat(108) }, 'at most 107 bytes'],
    [{ kind: 'stdout', url: 'http://10.0.0.5/' }, 'Unrecognized key'],
    [{ kind: 'kafka' }, 'Invalid'],
  ])('refuses %j', (config, why) => {
    expect(sinkSchema.safeParse(config).error?.issues[0]?.message).toContain(why);
  });
});
