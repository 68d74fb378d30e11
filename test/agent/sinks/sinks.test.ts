// Answers on their way out: the record itself, labels, what is left out, what is counted, and MQTT.
import { describe, expect, it } from 'vitest';
import { answerRecord } from '../../../agent/sinks/answer-record.ts';
import { openSinks, type SinkParts, sinkSchema } from '../../../agent/sinks/sinks.ts';
import type { OpenLines } from '../../../agent/sinks/stdout-sink.ts';
import type { Answer } from '../../../shared/release/answers.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';
import { SILENT } from '../telemetry/spool-builder.ts';
import { buildOutcome, buildRecord, FACTS } from './record-builder.ts';

const DOWN = { isUp: () => false, publish: () => Promise.resolve() };

function open(configs: readonly object[], parts: Partial<SinkParts> = {}) {
  const all = { link: DOWN, log: SILENT, monotonicNow: () => 0, ...parts };
  return openSinks(
    configs.map((config) => sinkSchema.parse(config)),
    all,
  );
}

/** Standard output that takes everything. */
function collecting(lines: string[]): OpenLines {
  return ({ onSent }) => ({
    write: (line) => {
      lines.push(line);
      onSent(1);
    },
    close: async () => undefined,
  });
}

function recordOf(answer: Answer) {
  const record = answerRecord(
    buildOutcome({ result: { kind: 'answered', latencyMs: 1, runMs: 1, borderline: 0, answer } }),
    FACTS,
  );
  if (!record) throw new Error('an answer makes a record');
  return record;
}

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

describe('labels', () => {
  const worker: Answer = {
    task: 'detection',
    detections: [
      { classId: 3, label: 'person', score: 0.9, box: [1, 2, 3, 4] },
      { classId: 7, label: 'drone', score: 0.8, box: [1, 2, 3, 4] },
      { classId: 9, label: 'constructor', score: 0.8, box: [1, 2, 3, 4] },
    ],
  };
  const compat = { labelMap: { person: 'worker' }, labelIds: { worker: 1 } };

  it('are the release’s own, or those of earlier releases, as each sink asks', () => {
    const [native, legacy]: [string[], string[]] = [[], []];
    const outputs = [native, legacy];
    const sinks = open([{ kind: 'stdout' }, { kind: 'stdout', labels: 'legacy' }], {
      openStdout: (events) => collecting(outputs.shift() ?? [])(events),
    });
    sinks.publish(recordOf(worker), compat);
    const found = (lines: string[]) => JSON.parse(lines[0] ?? '').answer.detections;
    expect(found(native)).toEqual(worker.detections);
    expect(found(legacy).map(({ classId, label }: { classId: number; label: string }) => [classId, label])).toEqual([
      [1, 'worker'],
      // No old name: a consumer had better meet a strange word than never hear of it.
      [7, 'drone'],
      [9, 'constructor'],
    ]);
  });

  it('are mapped for classes too, and are not touched without a map', () => {
    const lines: string[] = [];
    const sinks = open([{ kind: 'stdout', labels: 'legacy' }], { openStdout: collecting(lines) });
    const classes: Answer = { task: 'classification', classes: [{ classId: 0, label: 'person', score: 1 }] };
    sinks.publish(recordOf(classes), { labelMap: { person: 'worker' } });
    sinks.publish(recordOf(classes), { labelMap: null });
    const labels = lines.map((line) => JSON.parse(line).answer.classes[0]);
    expect(labels).toEqual([
      { classId: 0, label: 'worker', score: 1 },
      { classId: 0, label: 'person', score: 1 },
    ]);
  });
});

describe('only', () => {
  it('leaves out answers that found nothing, never those of models that do not look for objects', () => {
    const lines: string[] = [];
    const sinks = open([{ kind: 'stdout', only: 'detections' }], { openStdout: collecting(lines) });
    sinks.publish(recordOf({ task: 'detection', detections: [] }), null);
    sinks.publish(recordOf({ task: 'ocr', text: '', score: 0, accepted: false }), null);
    sinks.publish(buildRecord(), null);
    expect(lines.map((line) => JSON.parse(line).answer.task)).toEqual(['ocr', 'detection']);
    expect(sinks.report()).toEqual([{ sink: 'stdout', sent: 2, dropped: {}, trouble: null }]);
  });
});

describe('answers that nobody took', () => {
  it('are told to the operator once a minute at most, as many as there were', () => {
    const log = openRecordingLog();
    const clock = { nowMs: 0 };
    const sinks = open([{ kind: 'mqtt' }], { log, monotonicNow: () => clock.nowMs });
    const lose = () => sinks.publish(buildRecord(), null);
    sinks.tellDropped();
    lose();
    sinks.tellDropped();
    lose();
    lose();
    clock.nowMs = 59_000;
    sinks.tellDropped();
    clock.nowMs = 61_000;
    sinks.tellDropped();
    sinks.tellDropped();
    expect(log.entries.map((entry) => entry.fields.lost)).toEqual([{ mqtt: 1 }, { mqtt: 2 }]);
  });

  it('are counted for each sink by itself, also when two are of a kind', () => {
    const sinks = open([{ kind: 'mqtt' }, { kind: 'mqtt', only: 'detections' }]);
    sinks.publish(recordOf({ task: 'detection', detections: [] }), null);
    expect(sinks.report().map(({ sink, dropped }) => [sink, dropped])).toEqual([
      ['mqtt', { 'link-down': 1 }],
      ['mqtt-2', {}],
    ]);
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
    const sinks = open([{ kind: 'mqtt' }], { link });
    sinks.publish(buildRecord(), null);
    state.isFull = true;
    sinks.publish(buildRecord(), null);
    state.isUp = false;
    sinks.publish(buildRecord(), null);
    const counts = { sent: 1, dropped: { 'link-down': 1, 'link-full': 1 } };
    await expect.poll(() => sinks.report()[0]).toMatchObject(counts);
    expect(published).toEqual([['answers', buildRecord(), { qos: 0, retain: false }]]);
    await sinks.close();
  });
});
