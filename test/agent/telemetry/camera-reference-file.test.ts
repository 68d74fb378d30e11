// What the cameras look like survives a restart, and no file on the disk can hurt the agent.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HealthReference } from '../../../agent/telemetry/camera-health.ts';
import { openReferenceFile } from '../../../agent/telemetry/camera-reference-file.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

const GOOD: HealthReference = {
  lumaHistogram: Array.from({ length: 16 }, () => 1 / 16),
  sharpness: 210,
  saturatedShare: 0.001,
  redBlueRatio: null,
};
const CAMERAS = [
  { id: 'belt', source: { kind: 'rtsp', url: 'rtsp://viewer:old@10.0.0.7/stream', fps: 10 } },
  { id: 'gate', source: { kind: 'v4l2', device: '/dev/video0' } },
];

let dataDir: string;
let log: ReturnType<typeof openRecordingLog>;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'belay-references-'));
  log = openRecordingLog();
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const open = (cameras: Parameters<typeof openReferenceFile>[0]['cameras'] = CAMERAS) =>
  openReferenceFile({ dataDir, cameras, log });
const file = () => join(dataDir, 'camera-references.json');

describe('openReferenceFile', () => {
  it('gives back what was kept, and holds no password', () => {
    open().keep(
      new Map([
        ['belt', GOOD],
        ['gate', { ...GOOD, sharpness: 99 }],
      ]),
    );
    expect(open().known).toEqual(
      new Map([
        ['belt', GOOD],
        ['gate', { ...GOOD, sharpness: 99 }],
      ]),
    );
    expect(readFileSync(file(), 'utf8')).not.toMatch(/old|10\.0\.0\.7/);
    expect(readdirSync(dataDir)).toEqual(['camera-references.json']);
  });

  it('keeps them over another password or pace, not over another camera', () => {
    open().keep(
      new Map([
        ['belt', GOOD],
        ['gate', GOOD],
      ]),
    );
    const [belt, gate] = CAMERAS;
    const renewed = { id: 'belt', source: { ...belt!.source, url: 'rtsp://viewer:new@10.0.0.7/stream', fps: 5 } };
    const moved = { id: 'gate', source: { ...gate!.source, device: '/dev/video1' } };
    expect([...open([renewed, moved]).known.keys()]).toEqual(['belt']);
  });

  it('writes only what is new', () => {
    const references = open();
    references.keep(new Map());
    expect(readdirSync(dataDir)).toEqual([]);
    references.keep(new Map([['belt', GOOD]]));
    rmSync(file());
    references.keep(new Map([['belt', GOOD]]));
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('goes on without, and says so, when it cannot be written', () => {
    const references = open();
    rmSync(dataDir, { recursive: true });
    references.keep(new Map([['belt', GOOD]]));
    expect(log.entries).toMatchObject([{ level: 'warn', message: 'the references of the cameras could not be kept' }]);
  });

  it('reads any file at all: as it was written, or as nothing', () => {
    open().keep(new Map([['belt', GOOD]]));
    const whole = readFileSync(file());
    const change = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.nat(whole.length).map((length) => whole.subarray(0, length)),
      fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, value]) => {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        return damaged;
      }),
    );
    fc.assert(
      fc.property(change, (bytes) => {
        writeFileSync(file(), bytes);
        for (const reference of open().known.values()) {
          expect(reference.lumaHistogram).toHaveLength(16);
          expect(Number.isFinite(reference.sharpness)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
