// The second path against a real HTTP server on loopback: when it asks, what it hands over, and what it does not believe.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecondPath } from '../../../agent/link/second-path.ts';
import { FLEET_KILL_TOPIC } from '../../../shared/protocol/topics.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const DESIRED = { topic: 'belay/v1/plant-a/cam-01/desired', text: 'd-1' };
const KILLS = [
  { topic: FLEET_KILL_TOPIC, text: 'k-fleet' },
  { topic: 'belay/v1/plant-a/kill', text: 'k-site' },
];

let server: Server;
let path: SecondPath | null;
let asked: string[];
let heard: string[];
let shown: Set<string>;
let isUp: boolean;
let answer: (response: ServerResponse) => void;
let looks: number;
let log: ReturnType<typeof openRecordingLog>;

const says = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));
const until = (check: () => boolean) => expect.poll(check, { timeout: 8000, interval: 5 }).toBe(true);

beforeEach(async () => {
  [path, asked, heard, isUp, looks, log] = [null, [], [], false, 0, openRecordingLog()];
  shown = new Set();
  answer = says({ documents: [DESIRED, ...KILLS] });
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    shown.add(request.headers.authorization ?? '');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  path?.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(): void {
  path = new SecondPath({
    apiUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    address: ADDRESS,
    password: 'secret',
    isUp: () => {
      looks += 1;
      return isUp;
    },
    onKill: (topic, text) => heard.push(`kill ${topic} ${text}`),
    onDesired: (text) => heard.push(`desired ${text}`),
    log,
    random: () => 0.5,
    pollMs: 20,
    pollTimeoutMs: 300,
  });
}

describe('the second path', () => {
  it('asks for the documents of its device, and hands over the kills before what is desired', async () => {
    open();
    await until(() => heard.length >= 3);
    expect(asked[0]).toBe('/v1/devices/plant-a/cam-01/documents');
    expect(heard.slice(0, 3)).toEqual([
      `kill ${FLEET_KILL_TOPIC} k-fleet`,
      'kill belay/v1/plant-a/kill k-site',
      'desired d-1',
    ]);
    expect([...shown]).toEqual([`Basic ${btoa('plant-a/cam-01:secret')}`]);
  });

  it('asks nobody while the link is up, and asks again when it is down', async () => {
    isUp = true;
    open();
    await until(() => looks >= 3);
    expect(asked).toEqual([]);
    isUp = false;
    await until(() => asked.length > 0);
  });

  it('hands over nothing that is not for this device', async () => {
    answer = says({
      documents: [
        { topic: 'belay/v1/plant-b/kill', text: 'k' },
        { topic: 'belay/v1/plant-a/cam-02/desired', text: 'd' },
      ],
    });
    open();
    await until(() => asked.length >= 3);
    expect(heard).toEqual([]);
  });

  it.each([
    ['a refusal', (response: ServerResponse) => void response.writeHead(503).end('{"documents":[]}'), /answered 503/],
    ['text', (response: ServerResponse) => void response.end('<html>'), /cannot be read/],
    ['documents of another shape', says({ documents: [{ topic: 4 }] }), /cannot be read/],
    ['an endless body', endless, /more than 1048576 bytes/],
    [
      'a redirection',
      (response: ServerResponse) => void response.writeHead(302, { location: '/' }).end(),
      /fetch failed/,
    ],
    ['silence', () => undefined, /timeout/],
  ])('says once what is wrong with %s, and goes on asking', async (_what, wrong, reason) => {
    answer = wrong;
    open();
    await until(() => asked.length >= 3);
    expect(heard).toEqual([]);
    const told = log.entries.filter(({ message }) => message === 'no documents over HTTP either');
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told)).toMatch(reason);
    answer = says({ documents: KILLS });
    await until(() => heard.length > 0);
  });
});

function endless(response: ServerResponse): void {
  const piece = Buffer.alloc(256 * 1024, 'x');
  const more = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', more);
  more();
}
