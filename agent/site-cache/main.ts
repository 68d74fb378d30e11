// The site cache: one box of a factory fetches each release once, and the devices beside it take it from there. Agents
// check every byte against the digest they were told, so a cache needs no trust, and its loss costs only time.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describeError } from '../../shared/basics/errors.ts';
import { nameSchema } from '../../shared/basics/identifiers.ts';
import { deviceAuthorization } from '../../shared/protocol/device-authorization.ts';
import { UNPACED } from '../artifacts/pace.ts';
import { makeCacheServer } from './cache-server.ts';
import { openCacheStore } from './cache-store.ts';

const USAGE = `usage: node agent/site-cache/main.ts --upstream URL --dir FOLDER [--listen HOST:PORT] [--max-gb N]
                                     [--device SITE/DEVICE --password-file FILE]

  --upstream  base URL of the control plane, such as http://10.0.0.1:8080
  --dir       where releases are kept; belongs to this cache alone
  --listen    default 0.0.0.0:8766; devices name it as download.siteCacheUrl
  --max-gb    default 8; what was not asked for longest goes first
  --device, --password-file
              who asks upstream, and its password there, as of any device: where people sign in,
              the control plane gives nothing to nobody
`;

type Options = {
  readonly upstream: string;
  readonly folder: string;
  readonly host: string;
  readonly port: number;
  readonly bytesMax: number;
  readonly authorization: string | undefined;
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
        device: { type: 'string' },
        'password-file': { type: 'string' },
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
      (values.device === undefined) === (values['password-file'] === undefined)
        ? ''
        : '--device and --password-file go together',
      Number(values['max-gb']) > 0 ? '' : '--max-gb must be a positive number',
    ].filter((problem) => problem !== '');
    if (problems.length > 0) return problems.join('\n');
    const authorization = authorizationOf(values.device, values['password-file']);
    const bytesMax = Number(values['max-gb']) * 1e9;
    return { upstream, folder: values.dir ?? '', host, port: Number(port), bytesMax, authorization };
  } catch (error) {
    return describeError(error);
  }
}

/** Throws when the device is not named as SITE/DEVICE, or the file cannot be read. */
function authorizationOf(named: string | undefined, passwordFile: string | undefined): string | undefined {
  if (named === undefined || passwordFile === undefined) return undefined;
  const [site, device] = named.split('/').map((part) => nameSchema.parse(part));
  if (site === undefined || device === undefined) throw new Error('--device must be SITE/DEVICE');
  return deviceAuthorization({ site, device }, readFileSync(passwordFile, 'utf8').trim());
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
  const parts = {
    signal: stopping.signal,
    random: Math.random,
    wait,
    pace: UNPACED,
    authorization: options.authorization,
  };
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
