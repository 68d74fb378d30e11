// Answers a second of a whole control plane, with sign-in, records and checked answers, against a bare fastify route that
// sends the same bytes. Both are asked by the same client, which is a process of its own, by turns.
import path from 'node:path';
import Fastify from 'fastify';
import { parseConfig } from '../../control-plane/config.ts';
import { openDatabase } from '../../control-plane/database/database.ts';
import { openControlPlane } from '../../control-plane/main.ts';
import { alternate, type Figure, type Row } from './figure.ts';
import { describeLoad, noteOf, openTakenShare } from './machine.ts';
import { openRequestClient, type RequestClient } from './request-client.ts';
import { storeDevices, storeRollouts } from './stored-records.ts';
import { type Workspace, withWorkspace } from './workspace.ts';

const ROLLOUTS = 20;
const DEVICES = 200;
const ROUNDS = 5;
const ASK_MS = 1000;
const CONNECTIONS = 8;
const GOAL = 0.8;

const ROWS = [
  { id: 'rollouts', address: '/v1/rollouts', what: `${ROLLOUTS} stored rollouts` },
  { id: 'devices', address: '/v1/devices', what: `${DEVICES} devices` },
] as const;

export const apiRequests: Figure = {
  id: 'api.requests',
  rows: ROWS.map(({ id }) => id),
  measure: (progress) => withWorkspace((workspace) => measureIn(workspace, progress)),
};

type Server = { readonly url: string; readonly headers: Readonly<Record<string, string>> };

async function measureIn(workspace: Workspace, progress: (text: string) => void): Promise<readonly Row[]> {
  const ours = await openOurs(workspace);
  const client = openRequestClient(workspace);
  const rows: Row[] = [];
  for (const { id, address, what } of ROWS) {
    const response = await fetch(`${ours.url}${address}`, { headers: ours.headers });
    const body = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200) throw new Error(`${address} answered ${response.status}: ${body}`);
    const bare = await openBare(workspace, address, body);
    progress(`GET ${address}: ${ROUNDS} times ${ASK_MS / 1000} s by turns with a bare route`);
    const asked = { address, bytes: body.length, isFresh: false };
    const sides = { ours: () => perSecond(client, ours, asked), limit: () => perSecond(client, bare, asked) };
    for (const side of [sides.ours, sides.limit]) await side();
    const measured = await alternate(ROUNDS, sides, openTakenShare());
    const afresh = await perSecond(client, ours, { ...asked, isFresh: true });
    rows.push({
      id: `api.requests.${id}`,
      ours: measured.ours,
      limit: measured.limit,
      ratio: measured.ours / measured.limit,
      unit: '/s',
      goal: `ratio ≥ ${GOAL}`,
      note: noteOf(
        `${what}, ${(body.length / 1000).toFixed(0)} KB, ${CONNECTIONS} connections, signed in`,
        `made anew each time, as while something changes: ${afresh.toFixed(0)} a second`,
        measured.disturbed > 0 ? `${measured.disturbed} rounds played again` : '',
        describeLoad(),
      ),
    });
  }
  return rows;
}

async function openOurs(workspace: Workspace): Promise<Server> {
  const dataDir = workspace.folder;
  const database = await openDatabase(path.join(dataDir, 'belay.db'));
  await storeDevices(database, DEVICES);
  await storeRollouts(database, ROLLOUTS, DEVICES);
  await database.destroy();
  let password = '';
  const config = parseConfig({ dataDir, http: { port: 0 }, mqtt: { port: 0 }, log: { level: 'silent' } });
  const plane = await openControlPlane(config, {
    onFirstAdmin: (made) => {
      password = made;
    },
  });
  workspace.defer(() => plane.close());
  const signedIn = await fetch(`${plane.httpUrl}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'admin', password }),
  });
  const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';');
  return { url: plane.httpUrl, headers: { cookie } };
}

/** As little as fastify can do: one route, bytes that are ready. */
async function openBare(workspace: Workspace, address: string, body: Buffer): Promise<Server> {
  const app = Fastify();
  app.get(address, (_, reply) => reply.type('application/json; charset=utf-8').send(body));
  workspace.defer(() => app.close());
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), headers: {} };
}

type Asked = { readonly address: string; readonly bytes: number; readonly isFresh: boolean };

/** Answers a second. Throws when one was refused, or was not what it was before. */
async function perSecond(client: RequestClient, { url, headers }: Server, asked: Asked): Promise<number> {
  const { address, bytes, isFresh } = asked;
  const result = await client({ url: `${url}${address}`, headers, connections: CONNECTIONS, askMs: ASK_MS, isFresh });
  if (result.problem !== null) throw new Error(result.problem);
  if (result.bytes !== bytes) throw new Error(`${url}${address} answered ${result.bytes} bytes, ${bytes} before`);
  return result.perSecond;
}
