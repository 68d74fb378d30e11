// The control plane as one process: the only place that constructs things, in the order in which they need each other.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { describeError } from '../shared/basics/errors.ts';
import type { KeySet } from '../shared/signing/signed-document.ts';
import { openAudit } from './audit/audit.ts';
import { type Config, readConfigFile } from './config.ts';
import { openDatabase } from './database/database.ts';
import { registerArtifactRoutes } from './http/routes/artifacts.ts';
import { registerReleaseRoutes } from './http/routes/releases.ts';
import { registerSystemRoutes } from './http/routes/system.ts';
import { buildServer } from './http/server.ts';
import manifest from './package.json' with { type: 'json' };
import { openArtifactStore } from './registry/artifact-store.ts';
import { openRegistry } from './registry/registry.ts';
import { openSigning } from './signing/signing.ts';

export type ControlPlane = {
  readonly httpUrl: string;
  readonly keySet: KeySet;
  close(): Promise<void>;
};

export async function openControlPlane(config: Config): Promise<ControlPlane> {
  const log = pino({ level: config.log.level });
  const wallNow = () => Date.now();
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const database = await openDatabase(join(config.dataDir, 'belay.db'));
  const audit = openAudit({ database, wallNow });
  const signing = await openSigning(config.dataDir);
  const artifacts = await openArtifactStore(join(config.dataDir, 'artifacts'), config.registry.artifactBytesMax);
  const registry = await openRegistry({ database, artifacts, audit, policy: config.registry, wallNow });
  const app = await buildServer({ version: manifest.version, log, loopbackOnly: !config.allowRemote });
  registerReleaseRoutes(app, { registry });
  registerArtifactRoutes(app, { registry });
  registerSystemRoutes(app, { keySet: signing.keySet, audit, findProblems: async () => [] });
  const httpUrl = await app.listen({ host: config.http.host, port: config.http.port });
  return {
    httpUrl,
    keySet: signing.keySet,
    close: async () => {
      await app.close();
      await database.destroy();
    },
  };
}

async function run(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string', short: 'c' } } });
  if (values.config === undefined)
    throw new Error('say which configuration to use: node control-plane/main.ts --config FILE');
  const plane = await openControlPlane(await readConfigFile(values.config));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      plane.close().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
    });
  }
}

function fail(error: unknown): never {
  process.stderr.write(`belay control plane: ${describeError(error)}\n`);
  process.exit(1);
}

if (import.meta.main) run().catch(fail);
