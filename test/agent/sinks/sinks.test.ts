// Answers on their way out: the record itself, MQTT, and standard output with readers that stall or leave.
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { answerRecord } from '../../../agent/sinks/answer-record.ts';
import { openSinks } from '../../../agent/sinks/sinks.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { SILENT } from '../telemetry/spool-builder.ts';
import { buildOutcome, buildRecord, FACTS } from './record-builder.ts';

const DOWN = { isUp: () => false, publish: () => Promise.resolve() };

describe('answerRecord', () => {
  it('names the model, the role, the cohort and where the answer comes from', () => {
    expect(answerRecord(buildOutcome(), FACTS)).toEqual({
      v: 1,
      request_id: 'cam-01/top-view/boot00-7',
      captured_at_ms: 1_700_000_000_000,
      answered_at_ms: 1_700_000_000_012,
      model_version: 'cv-detector:2.0.0+data=b4f7a1',
      model_digest: 'b'.repeat(64),
      role: 'candidate',
      cohort_id: 'ro-1/candidate',
      site: 'plant-a',
      device: 'cam-01',
      camera: 'top-view',
      latency_ms: 12.346,
      answer: { task: 'detection', detections: [{ classId: 0, label: 'dent', score: 0.9, box: [1, 2, 30, 40] }] },
    });
  });

  it('is nothing for a frame that failed', () => {
    const failed = buildOutcome({ result: { kind: 'failed', error: 'deadline', detail: '' } });
    expect(answerRecord(failed, FACTS)).toBeNull();
  });
});

describe('answers that nobody took', () => {
  it('are told to the operator once, as many as there were', () => {
    const log = openRecordingLog();
    const sinks = openSinks([{ kind: 'mqtt' }], { stdout: new PassThrough(), link: DOWN, log });
    sinks.tellDropped();
    for (let answer = 0; answer < 3; answer += 1) sinks.publish(buildRecord());
    sinks.tellDropped();
    sinks.tellDropped();
    expect(log.entries.map((entry) => entry.fields)).toEqual([{ lost: { mqtt: 3 } }]);
  });
});

describe('the MQTT sink', () => {
  it('publishes to the answers channel while the link is up, and counts what it could not', async () => {
    const published: unknown[] = [];
    const state = { isUp: true, isFull: false };
    const link = {
      isUp: () => state.isUp,
      publish: (channel: string, payload: string, options: unknown) => {
        if (state.isFull) return Promise.reject(new Error('full'));
        published.push([channel, JSON.parse(payload), options]);
        return Promise.resolve();
      },
    };
    const sinks = openSinks([{ kind: 'mqtt' }], { stdout: new PassThrough(), link, log: SILENT });
    sinks.publish(buildRecord());
    state.isFull = true;
    sinks.publish(buildRecord());
    state.isUp = false;
    sinks.publish(buildRecord());
    await expect.poll(() => sinks.dropped()).toEqual({ mqtt: 2 });
    expect(published).toEqual([['answers', buildRecord(), { qos: 0, retain: false }]]);
    sinks.close();
  });
});

describe('the stdout sink', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  type Report = { readonly published: number; readonly dropped: number; readonly unread: number };

  function start(): { readonly child: ChildProcess; readonly last: () => Report | undefined } {
    const script = new URL('./stdout-child.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    children.push(child);
    let last: Report | undefined;
    child.on('message', (message) => {
      last = message as Report;
    });
    return { child, last: () => last };
  }

  it('writes one JSON object per line', () => {
    const stdout = new PassThrough();
    const sinks = openSinks([{ kind: 'stdout' }], { stdout, link: DOWN, log: SILENT });
    sinks.publish(buildRecord());
    sinks.publish(buildRecord());
    const lines = String(stdout.read()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([buildRecord(), buildRecord()]);
    sinks.close();
  });

  it('neither blocks nor grows when nobody reads, and counts what it dropped', async () => {
    const { child, last } = start();
    child.stdout?.pause();
    await expect.poll(() => last()?.dropped ?? 0, { timeout: 15_000 }).toBeGreaterThan(5000);
    expect(last()?.unread).toBeLessThan(1_100_000);
    expect(child.exitCode).toBeNull();
  });

  it('outlives its reader', async () => {
    const { child, last } = start();
    await expect.poll(() => last()?.published ?? 0, { timeout: 15_000 }).toBeGreaterThan(0);
    child.stdout?.destroy();
    const before = last()?.published ?? 0;
    await expect.poll(() => last()?.published ?? 0, { timeout: 15_000 }).toBeGreaterThan(before + 5000);
    expect(last()?.dropped).toBeGreaterThan(0);
    expect(child.exitCode).toBeNull();
  });
});
