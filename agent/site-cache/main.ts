// The site cache: one box of a factory fetches each release once, and the devices beside it take it from there. Agents
// check every byte against the digest they were told, so a cache needs no trust, and its loss costs only time.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import { UNPACED } from '../artifacts/pace.ts';
import { makeCacheServer } from './cache-server.ts';
import { openCacheStore } from './cache-store.ts';

const USAGE = `usage: node agent/site-cache/main.ts --upstream URL --dir FOLDER [--listen HOST:PORT] [--max-gb N]

  --upstream  base URL of the control plane, such as http://10.0.0.1:8080
  --dir       where releases are kept; belongs to this cache alone
  --listen    default 0.0.0.0:8766; devices name it as download.siteCacheUrl
  --max-gb    default 8; what was not asked for longest goes first
`;

type Options = {
  readonly upstream: string;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly bytesMax: number;
};

/** All mistakes at once, as text for the user. */
function readOptions(): Options | string {
  try {
    const { values } = parseArgs({
      options: {
        upstream: { type: 'string' },
        dir: { type: 'string' },
        listen: { type: 'string', default: '0.0.0.0:8766' },
        'max-gb': { type: 'string', default: '8' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return '';
    const [, host = '', port = ''] = /^(.*):(\d{1,5})$/.exec(values.listen) ?? [];
    const upstream = (values.upstream ?? '').replace(/\/+$/, '');
    const problems = [
      URL.canParse(upstream) && /^https?:/.test(upstream)
        ? ''
        : '--upstream must be a URL such as http://10.0.0.1:8080',
      values.dir ? '' : '--dir must name a folder',
      host !== '' && Number(port) < 65_536 ? '' : '--listen must be HOST:PORT',
      Number(values['max-gb']) > 0 ? '' : '--max-gb must be a positive number',
    ].filter((problem) => problem !== '');
    if (problems.length > 0) return problems.join('\n');
    return { upstream, folder: values.dir ?? '', host, port: Number(port), bytesMax: Number(values['max-gb']) * 1e9 };
  } catch (error) {
    return describeError(error);
  }
}

async function run(): Promise<void> {
  const options = readOptions();
  if (typeof options === 'string') {
    process.stderr.write(options === '' ? USAGE : `${options}\n\n${USAGE}`);
    process.exitCode = options === '' ? 0 : 2;
    return;
  }
  const log = pino({ base: null }, pino.destination({ dest: 2, sync: true }));
  const onError = (what: string, error: unknown): void => log.warn({ error: describeError(error) }, what);
  const stopping = new AbortController();
  const wait = (ms: number, signal: AbortSignal) =>
    sleep(ms, undefined, { signal }).then(
      () => undefined,
      () => undefined,
    );
  const parts = { signal: stopping.signal, random: Math.random, wait, pace: UNPACED };
  const { folder, upstream, bytesMax, host, port } = options;
  const store = await openCacheStore({ folder, upstream, bytesMax, parts, wallNow: Date.now, onError });
  const server = makeCacheServer({ store, onError });
  server.listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ ready: true, port: taken, upstream })}\n`);
  const stop = (): void => {
    stopping.abort();
    server.close();
    server.closeAllConnections();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
}

try {
  await run();
} catch (error) {
  process.stderr.write(`the site cache could not start: ${describeError(error)}\n`);
  process.exitCode = 1;
}
