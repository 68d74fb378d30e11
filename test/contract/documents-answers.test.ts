// The record of an answer as customers' programs read it: frozen, since nobody asks them before it changes.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerRecord } from '../../agent/sinks/answer-record.ts';
import type { FrameOutcome } from '../../agent/telemetry/outcome.ts';
import { answerSchema } from '../../shared/release/answers.ts';

const TEXT = readFileSync(path.join(import.meta.dirname, 'fixtures/v1-answers/detection.json'), 'utf8');
const FACTS = { site: 'plant-a', device: 'cam-a1', cohortId: 'ro-7q2/candidate' };

const OUTCOME: FrameOutcome = {
  cameraId: 'camera-1',
  requestId: 'cam-a1/camera-1/01jd4x-48212',
  capturedAtMs: 1_790_000_000_000,
  release: {
    release: 'cv-detector:2.0.0+data=3ce470',
    digest: '76e5d6f0d9f95b4d0f3c5e5ba5a92cb3b4ab8d01f2c7a1c7a9f0e4f5f7bdc0aa',
  },
  role: 'candidate',
  result: {
    kind: 'answered',
    latencyMs: 18.72449,
    runMs: 9.1,
    borderline: 0,
    answer: {
      task: 'detection',
      detections: [{ classId: 2, label: 'micro-crack', score: 0.4039, box: [9.83, 121.76, 27.6, 21.52] }],
    },
  },
};

describe('the record of an answer, version 1', () => {
  it('has the frozen fields in the frozen order', () => {
    expect(JSON.stringify(answerRecord(OUTCOME, FACTS))).toBe(JSON.stringify(JSON.parse(TEXT)));
  });

  it('carries an answer that the contract knows', () => {
    expect(answerSchema.safeParse(JSON.parse(TEXT).answer).success).toBe(true);
  });

  it('is not written for a frame that failed: no answer is never an empty answer', () => {
    const failed = { kind: 'failed', error: 'deadline', detail: '250 ms passed' } as const;
    expect(answerRecord({ ...OUTCOME, result: failed }, FACTS)).toBeNull();
  });
});
