// One answer record, and the outcome it is made of.
import { type AnswerRecord, answerRecord } from '../../../agent/sinks/answer-record.ts';
import type { FrameOutcome } from '../../../agent/telemetry/outcome.ts';

export const FACTS = { site: 'plant-a', device: 'cam-01', cohortId: 'ro-1/candidate' };

export function buildOutcome(part: Partial<FrameOutcome> = {}): FrameOutcome {
  return {
    cameraId: 'top-view',
    requestId: 'cam-01/top-view/boot00-7',
    capturedAtMs: 1_700_000_000_000,
    release: { release: 'cv-detector:2.0.0+data=b4f7a1', digest: 'b'.repeat(64) },
    role: 'candidate',
    result: {
      kind: 'answered',
      latencyMs: 12.345678,
      runMs: 6,
      borderline: 1,
      answer: { task: 'detection', detections: [{ classId: 0, label: 'dent', score: 0.9, box: [1, 2, 30, 40] }] },
    },
    ...part,
  };
}

export function buildRecord(): AnswerRecord {
  const record = answerRecord(buildOutcome(), FACTS);
  if (!record) throw new Error('the outcome of the builder has an answer');
  return record;
}
