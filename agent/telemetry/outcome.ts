// What became of one frame in one runner: the value that the frame loop hands to telemetry. Types only.
import type { ReleaseRef } from '../../shared/protocol/documents.ts';
import type { Answer } from '../../shared/release/answers.ts';

export type ServingRole = 'baseline' | 'candidate' | 'shadow';

export type FrameResult =
  | {
      readonly kind: 'answered';
      /** Capture → answer, by the monotonic clock. */
      readonly latencyMs: number;
      /** The model run alone. */
      readonly runMs: number;
      readonly answer: Answer;
      /** Boxes from 0.15 up to the answer threshold. */
      readonly borderline: number;
    }
  | {
      readonly kind: 'failed';
      readonly error: 'deadline' | 'non-finite' | 'runner-died' | 'fault';
      readonly detail: string;
    };

export type FrameOutcome = {
  readonly cameraId: string;
  /** `<device>/<camera>/<boot, 6 characters>-<sequence>` */
  readonly requestId: string;
  /** Wall clock at capture, epoch ms. */
  readonly capturedAtMs: number;
  readonly release: ReleaseRef;
  readonly role: ServingRole;
  readonly result: FrameResult;
};

/** One arm's answer to a frame that both arms have seen. */
export type PairedAnswer = {
  readonly ref: ReleaseRef;
  readonly answer: Answer;
  readonly borderline: number;
};

export type FramePair = {
  readonly cameraId: string;
  readonly baseline: PairedAnswer;
  /** `labelMap` (manifest `compat.labelMap`): the candidate's own label → the baseline's name for it. */
  readonly candidate: PairedAnswer & { readonly labelMap?: Readonly<Record<string, string>> };
};

/** What the source process has counted since its last report. */
export type CameraCounts = {
  readonly captured: number;
  readonly processed: number;
  /** Reason → frames, e.g. `busy` when a newer frame replaced one that waited. */
  readonly dropped: Readonly<Record<string, number>>;
};

/** Statistics of the pixels of one frame, as the source process takes them about once a second (frames' CameraHealth). */
export type HealthSample = {
  /** Shares of the pixels by brightness, dark to bright, adding up to 1; always the same number of steps. */
  readonly lumaHistogram: readonly number[];
  /** Variance of the Laplacian. */
  readonly sharpness: number;
  /** Share of pixels brighter than 250. */
  readonly saturatedShare: number;
  /** Mean red / mean blue; null when there is no blue at all. */
  readonly redBlueRatio: number | null;
  /** For how long the camera has repeated one picture, when that is too long; else null. */
  readonly frozenMs?: number | null;
};
