// A registry on a real database and folder behind a real HTTP server, for tests of the room and its routes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type Audit, openAudit } from '../../control-plane/audit/audit.ts';
import { parseConfig } from '../../control-plane/config.ts';
import { type Database, openDatabase } from '../../control-plane/database/database.ts';
import { openToAnybody } from '../../control-plane/http/access.ts';
import { registerArtifactRoutes } from '../../control-plane/http/routes/artifacts.ts';
import { registerReleaseRoutes } from '../../control-plane/http/routes/releases.ts';
import { buildServer, type HttpApp } from '../../control-plane/http/server.ts';
import { openArtifactStore } from '../../control-plane/registry/artifact-store.ts';
import { openRegistry, type Registry } from '../../control-plane/registry/registry.ts';
import type { TinyPackage } from '../builders/tiny-package.ts';

export type RegistryBench = {
  readonly folder: string;
  readonly database: Database;
  readonly audit: Audit;
  readonly registry: Registry;
  readonly app: HttpApp;
  upload(release: TinyPackage): Promise<void>;
  post(url: string, payload: unknown): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  close(): Promise<void>;
};

export async function openRegistryBench(limits: { readonly artifactBytesMax?: number } = {}): Promise<RegistryBench> {
  const folder = await mkdtemp(join(tmpdir(), 'belay-registry-'));
  const policy = parseConfig({ dataDir: folder, registry: limits }).registry;
  const database = await openDatabase(join(folder, 'belay.db'));
  const wallNow = () => 1_700_000_000_000;
  const audit = openAudit({ database, wallNow });
  const artifacts = await openArtifactStore(join(folder, 'artifacts'), policy.artifactBytesMax);
  const registry = await openRegistry({ database, artifacts, audit, policy, wallNow });
  const app = await buildServer({
    version: 'test',
    log: pino({ level: 'silent' }),
    loopbackOnly: true,
    access: openToAnybody(),
  });
  registerReleaseRoutes(app, { registry });
  registerArtifactRoutes(app, { registry });
  return {
    folder,
    database,
    audit,
    registry,
    app,
    upload: async (release) => {
      for (const [sha256, payload] of release.artifacts) {
        const headers = { 'content-type': 'application/octet-stream' };
        const url = `/v1/artifacts/${sha256}`;
        const response = await app.inject({ method: 'PUT', url, headers, payload: Buffer.from(payload) });
        if (response.statusCode >= 300) throw new Error(response.body);
      }
    },
    post: async (url, payload) => {
      const headers = { 'if-match': '*' };
      const response = await app.inject({ method: 'POST', url, headers, payload: payload as object });
      return { status: response.statusCode, body: response.json() };
    },
    close: async () => {
      await app.close();
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
}
