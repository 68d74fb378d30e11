// The record of one answer as customers read it: snake_case, one JSON object per line or message. Pure.
import type { Answer } from '../../shared/release/answers.ts';
import type { FrameOutcome, ServingRole } from '../telemetry/outcome.ts';

export type AnswerRecord = {
  readonly v: 1;
  readonly request_id: string;
  readonly captured_at_ms: number;
  readonly answered_at_ms: number;
  /** Release id, e.g. `cv-detector:2.0.0+data=b4f7a1`. */
  readonly model_version: string;
  readonly model_digest: string;
  readonly role: ServingRole;
  readonly cohort_id: string;
  readonly site: string;
  readonly device: string;
  readonly camera: string;
  readonly latency_ms: number;
  readonly answer: Answer;
};

export type RecordFacts = { readonly site: string; readonly device: string; readonly cohortId: string };

/** Null for a frame that failed: no answer is never an empty answer. */
export function answerRecord(outcome: FrameOutcome, facts: RecordFacts): AnswerRecord | null {
  const { result } = outcome;
  if (result.kind === 'failed') return null;
  return {
    v: 1,
    request_id: outcome.requestId,
    captured_at_ms: outcome.capturedAtMs,
    answered_at_ms: Math.round(outcome.capturedAtMs + result.latencyMs),
    model_version: outcome.release.release,
    model_digest: outcome.release.digest,
    role: outcome.role,
    cohort_id: facts.cohortId,
    site: facts.site,
    device: facts.device,
    camera: outcome.cameraId,
    latency_ms: Math.round(result.latencyMs * 1000) / 1000,
    answer: result.answer,
  };
}
