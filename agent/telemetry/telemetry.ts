// The door of telemetry: the loops push what happened, and windows and events come out in the spool.
// It decides nothing and never waits for the network.
import type { Sensors } from '../../shared/measure/window.ts';
import type { DeviceEvent } from '../../shared/protocol/reports.ts';
import type { EventFields, WindowBody } from './document-body.ts';
import type { CameraCounts, FrameOutcome, FramePair, HealthSample, ServingRole } from './outcome.ts';

export type RunnerRef = { readonly digest: string; readonly role: ServingRole; readonly pid: number };

export type WindowFacts = {
  readonly cohortId: string;
  readonly generation: number;
  readonly killEpoch: number;
  /** Time in this window during which a release served in a role, ms. */
  readonly activeMsByRole: Readonly<Partial<Record<ServingRole, number>>>;
};

export type Telemetry = {
  /** One frame, one runner. */
  readonly recordOutcome: (outcome: FrameOutcome) => void;
  /** A frame was offered to the shadow of this digest, whether or not it had time for it. */
  readonly recordOffered: (digest: string) => void;
  /** Both arms have answered the same frame. */
  readonly recordPair: (pair: FramePair) => void;
  readonly recordCamera: (report: { readonly cameraId: string; readonly counts: CameraCounts }) => void;
  readonly recordHealth: (cameraId: string, sample: HealthSample) => void;
  readonly recordCameraLost: (cameraId: string, lostMs: number) => void;
  readonly recordSensors: (sample: Sensors) => void;
  /** Says which process runs a release, so that its CPU time and memory can be read when the window closes. */
  readonly recordRunner: (runner: RunnerRef) => void;
  /** The current window is incomplete: it is shown, not judged. */
  readonly markPartial: (reason: string) => void;
  /** Ends the current window, checks it against the contract, spools it and starts the next one. */
  readonly closeWindow: (facts: WindowFacts) => WindowBody;
  /** Spools a safety event durably and returns it as it will be sent. */
  readonly emit: (event: EventFields) => DeviceEvent;
  /** Null: not enough samples to say. */
  readonly cameraHealthy: (cameraId: string) => boolean | null;
};
