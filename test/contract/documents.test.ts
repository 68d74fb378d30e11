// The wire documents of protocol version 1, frozen as files: what was once sent must be read for ever. A fixture is never
// edited to make a test pass; a document that changes its meaning gets a new topic level and new fixtures.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { parseJson, parseValue } from '../../shared/basics/parsing.ts';
import { decodeSketch } from '../../shared/measure/latency-sketch.ts';
import { windowSchema } from '../../shared/measure/window.ts';
import { ackSchema, desiredSchema, killDocumentSchema, leaseSchema } from '../../shared/protocol/documents.ts';
import {
  eventKindSchema,
  eventSchema,
  helloSchema,
  reportedSchema,
  statusSchema,
} from '../../shared/protocol/reports.ts';
import { goldenExpectationSchema } from '../../shared/release/golden.ts';
import { manifestSchema } from '../../shared/release/manifest.ts';
import { keySetSchema, openVerifier } from '../../shared/signing/signed-document.ts';

const FIXTURES = path.join(import.meta.dirname, 'fixtures');
const TAMPERED_GENERATION = 99;

/** By the first word of the file name. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  desired: desiredSchema,
  kill: killDocumentSchema,
  lease: leaseSchema,
  ack: ackSchema,
  hello: helloSchema,
  status: statusSchema,
  reported: reportedSchema,
  event: eventSchema,
  window: windowSchema,
  manifest: manifestSchema,
  golden: goldenExpectationSchema,
  key: keySetSchema,
};

/** Objects whose keys are names, not fields: there a stranger is one more name, and must be of the kind of the others. */
const BY_NAME = new Set([
  'byClass',
  'errors',
  'dropped',
  'spoolDropped',
  'refused',
  'labelMap',
  'scorePerClass',
  'thresholdPerClass',
]);

const names = (folder: string, ending = '.json') =>
  readdirSync(path.join(FIXTURES, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => path.basename(name, ending));
const textOf = (folder: string, file: string) => readFileSync(path.join(FIXTURES, folder, file), 'utf8');
const wordOf = (name: string) => name.split('-')[0] ?? '';

function schemaOf(name: string): z.ZodType {
  const schema = SCHEMAS[wordOf(name)];
  if (!schema) throw new Error(`no schema for the fixture "${name}"`);
  return schema;
}

/** The same document as a newer peer would send it: one more field in every object. */
function fromTheFuture(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => fromTheFuture(item));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [name, fromTheFuture(member, name)]);
  const future = BY_NAME.has(key) ? [] : [['xFuture', { note: 'from a newer version', levels: [1, 2] }]];
  return Object.fromEntries([...members, ...future]);
}

describe.each(names('v1'))('the document %s of version 1', (name) => {
  const text = textOf('v1', `${name}.json`);

  it('is accepted, and keeps everything that it says; what came later stands at its default', () => {
    const parsed = parseJson(schemaOf(name), text);
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
    const value: unknown = parsed.ok && parsed.value;
    expect(value).toMatchObject(JSON.parse(text));
    expect(schemaOf(name).parse(value)).toEqual(value);
  });

  it('keeps and ignores fields of a newer version, at any depth', () => {
    const newer = fromTheFuture(JSON.parse(text));
    const parsed = parseValue(schemaOf(name), newer);
    expect(parsed.ok ? [] : parsed.problems).toEqual([]);
    expect(parsed.ok && parsed.value).toMatchObject(newer as object);
  });
});

describe('a document of another version', () => {
  const documents = names('v1').map((name) => ({ name, document: JSON.parse(textOf('v1', `${name}.json`)) }));

  it.each(documents.filter(({ document }) => 'v' in document))('is refused: $name', ({ name, document }) => {
    const parsed = parseValue(schemaOf(name), { ...document, v: 2 });
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toEqual(['v']);
  });

  it.each(documents.filter(({ document }) => 'schema' in document))('is refused: $name', ({ name, document }) => {
    const parsed = parseValue(schemaOf(name), { ...document, schema: document.schema.replace('/1', '/2') });
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toEqual(['schema']);
  });
});

describe('the malformed twin', () => {
  it.each(names('v1-malformed'))('of %s is refused at the place of the mistake, and nowhere else', (name) => {
    const twin: { problem: string; document: unknown } = JSON.parse(textOf('v1-malformed', `${name}.json`));
    const parsed = parseValue(schemaOf(name), twin.document);
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.path)).toEqual([twin.problem]);
  });

  it('is there for every kind of document', () => {
    expect(new Set(names('v1-malformed').map(wordOf))).toEqual(new Set(Object.keys(SCHEMAS)));
  });
});

describe('the fixtures', () => {
  it('hold every kind of document and every kind of event', () => {
    expect(new Set(names('v1').map(wordOf))).toEqual(new Set(Object.keys(SCHEMAS)));
    const kinds = names('v1').filter((name) => name.startsWith('event-'));
    expect(kinds.sort()).toEqual(eventKindSchema.options.map((kind) => `event-${kind}`).sort());
    for (const name of kinds) expect(JSON.parse(textOf('v1', `${name}.json`)).kind).toBe(name.slice('event-'.length));
  });

  it('hold sketches that still decode', () => {
    const window = windowSchema.parse(JSON.parse(textOf('v1', 'window.json')));
    const counts = window.arms.map((arm) => [decodeSketch(arm.latencyMs)?.count, decodeSketch(arm.runMs)?.count]);
    expect(counts).toEqual([
      [6, 6],
      [3, 3],
    ]);
  });
});

describe('the signed documents of version 1', async () => {
  const verify = await openVerifier(keySetSchema.parse(JSON.parse(textOf('v1', 'key-set.json'))));
  const signed = (folder: string, name: string) => textOf(folder, `${name}.jws`).trim();

  it('verify with the key set that was given out then', async () => {
    const desired = await verify('desired', desiredSchema, signed('v1', 'desired'));
    const kill = await verify('kill', killDocumentSchema, signed('v1', 'kill'));
    expect(desired).toMatchObject({ ok: true, kid: 'contract-1', value: JSON.parse(textOf('v1', 'desired.json')) });
    expect(kill).toMatchObject({ ok: true, kid: 'contract-1', value: JSON.parse(textOf('v1', 'kill.json')) });
  });

  it('verify with the key set that came with leases', async () => {
    const verifyLater = await openVerifier(keySetSchema.parse(JSON.parse(textOf('v1', 'key-set-lease.json'))));
    const lease = await verifyLater('lease', leaseSchema, signed('v1', 'lease'));
    expect(lease).toEqual({ ok: true, kid: 'contract-2', value: JSON.parse(textOf('v1', 'lease.json')) });
    const asOrder = await verifyLater('desired', desiredSchema, signed('v1', 'lease'));
    expect(!asOrder.ok && asOrder.reason).toContain('belay.lease.v1');
    expect(await verify('lease', leaseSchema, signed('v1', 'lease'))).toMatchObject({ kind: 'bad-signature' });
  });

  it('are refused with a changed payload, and as another kind of document', async () => {
    const tampered = signed('v1-malformed', 'desired');
    const payload = JSON.parse(Buffer.from(tampered.split('.')[1] ?? '', 'base64url').toString());
    expect(payload.generation).toBe(TAMPERED_GENERATION);
    expect(await verify('desired', desiredSchema, tampered)).toMatchObject({ ok: false, kind: 'bad-signature' });
    const wrongKind = await verify('kill', killDocumentSchema, signed('v1-malformed', 'kill'));
    expect(wrongKind).toMatchObject({ ok: false, kind: 'bad-signature' });
    expect(!wrongKind.ok && wrongKind.reason).toContain('belay.desired.v1');
  });
});
