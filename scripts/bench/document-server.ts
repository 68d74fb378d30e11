// A control plane reduced to its voice, for figures about one device: the real broker, signed documents and a registry of
// files, and no opinion. What the device says is kept in order; nothing is judged, so a figure decides what happens when.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type Messaging, openBroker } from '../../control-plane/messaging/messaging.ts';
import { openSigning } from '../../control-plane/signing/signing.ts';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import type { CandidateRole, Desired, KillDocument, ReleaseRef } from '../../shared/protocol/documents.ts';
import { type DeviceLimits, deviceLimitsSchema } from '../../shared/protocol/limits.ts';
import { type DeviceEvent, eventSchema, type Reported, reportedSchema } from '../../shared/protocol/reports.ts';
import { type DeviceAddress, deviceTopic, FLEET_KILL_TOPIC } from '../../shared/protocol/topics.ts';
import { formatReleaseId } from '../../shared/release/identity.ts';
import { manifestSchema, releaseIdOf } from '../../shared/release/manifest.ts';
import type { KeySet } from '../../shared/signing/signed-document.ts';
import type { Workspace } from './workspace.ts';

export const DEVICE: DeviceAddress = { site: 'bench', device: 'bench-1' };
const QUIET = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export type OrderChange = {
  readonly role?: CandidateRole;
  readonly limits?: Partial<DeviceLimits>;
  readonly liftQuarantine?: Desired['liftQuarantine'];
};

export type DocumentServer = {
  readonly mqttUrl: string;
  readonly apiUrl: string;
  readonly keySet: KeySet;
  readonly events: readonly DeviceEvent[];
  readonly windows: readonly Window[];
  /** What the device said of itself last; null before the first time. */
  reported(): Reported | null;
  /** Makes the files of a package folder available for download. */
  publishPackage(folder: string): ReleaseRef;
  /** Serve with the candidate, in the next generation; `change` for what a document should say otherwise. */
  order(baseline: ReleaseRef, candidate: ReleaseRef | null, change?: OrderChange): Promise<void>;
  /** Every device off its candidate. */
  kill(): Promise<void>;
  rearm(): Promise<void>;
};

export async function openDocumentServer(workspace: Workspace): Promise<DocumentServer> {
  const dataDir = path.join(workspace.folder, 'document-server');
  await mkdir(dataDir, { recursive: true });
  const { sign, keySet } = await openSigning(dataDir);
  const heard = listenTo();
  const broker = await openBroker({
    host: '127.0.0.1',
    port: 0,
    authenticate: async () => ({ kind: 'device', ...DEVICE }),
    ingest: async (message) => heard.ingest(broker, message.channel, message.payload),
    log: QUIET,
  });
  workspace.defer(() => broker.close());
  const bodies = new Map<string, Buffer>();
  const apiUrl = await serveFiles(workspace, bodies);
  let generation = 0;
  let epoch = 0;
  const send = async (topic: string, kind: 'desired' | 'kill', document: Desired | KillDocument) =>
    broker.publish(topic, await sign(kind, document), { retain: true });
  const sendKills = (kills: KillDocument['kills']) => {
    epoch += 1;
    return send(FLEET_KILL_TOPIC, 'kill', { v: 1, epoch, issuedAtMs: Date.now(), kills });
  };
  return {
    mqttUrl: `mqtt://127.0.0.1:${broker.port}`,
    apiUrl,
    keySet,
    ...heard,
    publishPackage: (folder) => publishPackage(bodies, folder),
    order: (baseline, candidate, change = {}) => {
      generation += 1;
      const desired = desiredOf(generation, { baseline, candidate }, change);
      return send(deviceTopic(DEVICE, 'desired'), 'desired', desired);
    },
    kill: () => sendKills([killOf(epoch + 1)]),
    rearm: () => sendKills([]),
  };
}

type Releases = { readonly baseline: ReleaseRef; readonly candidate: ReleaseRef | null };

function desiredOf(generation: number, { baseline, candidate }: Releases, change: OrderChange): Desired {
  const { role = 'serve', limits = {}, liftQuarantine = [] } = change;
  const orders = { role, rolloutId: 'ro-bench', stage: 'all', sampleEvery: 1, lease: null, requireWarm: false };
  return {
    v: 1,
    ...DEVICE,
    generation,
    issuedAtMs: Date.now(),
    baseline,
    candidate: candidate && { ...candidate, ...orders },
    cohortId: 'ro-bench/candidate',
    limits: deviceLimitsSchema.parse(limits),
    liftQuarantine,
  };
}

function killOf(number: number): KillDocument['kills'][number] {
  return { id: `k-${number}`, scope: { kind: 'fleet' }, reason: 'bench', actor: 'bench', raisedAtMs: Date.now() };
}

/** Keeps events and windows once each, and acknowledges them as a control plane does. */
function listenTo() {
  const events: DeviceEvent[] = [];
  const windows: Window[] = [];
  const seen = new Set<string>();
  let reported: Reported | null = null;
  const ingest = (broker: Messaging, channel: string, payload: Uint8Array): void => {
    if (channel === 'reported') reported = reportedSchema.parse(JSON.parse(Buffer.from(payload).toString()));
    if (channel !== 'event' && channel !== 'window') return;
    const raw: unknown = JSON.parse(Buffer.from(payload).toString());
    const document = channel === 'event' ? eventSchema.parse(raw) : windowSchema.parse(raw);
    const { boot, seq } = document;
    void broker.publish(deviceTopic(DEVICE, 'ack'), JSON.stringify({ v: 1, boot, seq }), { qos: 0 });
    if (seen.has(`${boot} ${seq}`)) return;
    seen.add(`${boot} ${seq}`);
    if (channel === 'event') events.push(eventSchema.parse(raw));
    else windows.push(windowSchema.parse(raw));
  };
  return { events, windows, reported: () => reported, ingest };
}

async function serveFiles(workspace: Workspace, bodies: ReadonlyMap<string, Buffer>): Promise<string> {
  const server: Server = createServer((request, response) => {
    const body = bodies.get(request.url ?? '');
    if (body) response.writeHead(200, { 'content-length': body.length }).end(body);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  workspace.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function publishPackage(bodies: Map<string, Buffer>, folder: string): ReleaseRef {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')));
  const bytes = Buffer.from(canonicalJson(manifest));
  const digest = createHash('sha256').update(bytes).digest('hex');
  bodies.set(`/v1/manifests/${digest}`, bytes);
  for (const file of manifest.files)
    bodies.set(`/v1/artifacts/${file.sha256}`, readFileSync(path.join(folder, file.path)));
  return { release: formatReleaseId(releaseIdOf(manifest)), digest };
}
