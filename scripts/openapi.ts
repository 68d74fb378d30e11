// `npm run openapi`: writes the description of the API as the control plane serves it to shared/protocol/openapi.json. A test
// holds the file against the routes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConfig } from '../control-plane/config.ts';
import { openControlPlane } from '../control-plane/main.ts';

const FILE = path.join(import.meta.dirname, '../shared/protocol/openapi.json');

const folder = await mkdtemp(path.join(tmpdir(), 'belay-openapi-'));
const ports = { http: { port: 0 }, mqtt: { port: 0 } };
const plane = await openControlPlane(parseConfig({ dataDir: folder, ...ports, log: { level: 'silent' } }));
try {
  const response = await fetch(`${plane.httpUrl}/openapi.json`);
  const description = (await response.json()) as { readonly paths: object };
  await writeFile(FILE, `${JSON.stringify(description, null, 1)}\n`);
  process.stdout.write(`${path.relative(process.cwd(), FILE)}: ${Object.keys(description.paths).length} paths\n`);
} finally {
  await plane.close();
  await rm(folder, { recursive: true });
}
