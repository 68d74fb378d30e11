// The door of telemetry: the loops push what happened, and windows and events come out in the spool.
// It decides nothing and never waits for the network.
import type { Logger } from 'pino';
import { BelayError } from '../../shared/basics/errors.ts';
import { describeProblems, parseValue } from '../../shared/basics/parsing.ts';
import { type Sensors, windowSchema } from '../../shared/measure/window.ts';
import type { DeviceEvent } from '../../shared/protocol/reports.ts';
import type { ProcessUse } from './arm-recorder.ts';
import type { CameraVerdict, HealthReference } from './camera-health.ts';
import type { EventFields, WindowBody } from './document-body.ts';
import type { CameraCounts, FrameOutcome, FramePair, HealthSample, ServingRole } from './outcome.ts';
import { openProcessUses } from './process-use.ts';
import type { Spool } from './spool.ts';
import { WindowRecorder } from './window-recorder.ts';

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
  /** `healthy` null: not enough samples to say. `finding`: what is wrong, in words. */
  readonly cameraVerdict: (cameraId: string) => Pick<CameraVerdict, 'healthy' | 'finding'>;
  /** What each camera looks like when all is well, to be kept across restarts if the caller wishes. */
  readonly healthReferences: () => ReadonlyMap<string, HealthReference>;
};

export type TelemetryIdentity = {
  readonly site: string;
  readonly device: string;
  readonly hardwareClass: string;
  readonly line: string | null;
};

export type TelemetryOptions = {
  readonly identity: TelemetryIdentity;
  readonly boot: string;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly spool: Pick<Spool, 'appendEvent' | 'appendWindow' | 'dropped' | 'takeSetAside'>;
  readonly log: Logger;
  /** From an earlier boot; without one, a camera's first minutes are its reference. */
  readonly healthReferences?: ReadonlyMap<string, HealthReference>;
  readonly procRoot?: string;
};

/** Codes: `window-invalid` the window breaks the contract (a programming error; that window is lost). */
export class TelemetryError extends BelayError {}

/** Wall and monotonic clock may differ by this much in a window before its times are called wrong. */
const CLOCK_JUMP_MS_MAX = 5000;

/** Begins the first window. When the spool had to be set aside, an event says so. */
export function openTelemetry(options: TelemetryOptions): Telemetry {
  const recorder = new WindowRecorder(options.healthReferences ?? new Map());
  const processes = openProcessUses(options.procRoot ?? '/proc');
  const emit = openEmit(options);
  const closeWindow = openCloseWindow({ options, recorder, emit, processUse: processes.take });
  reportSetAside(options, emit);
  return {
    recordOutcome: (outcome) => recorder.outcome(outcome),
    recordOffered: (digest) => recorder.offered(digest),
    recordPair: (pair) => recorder.pair(pair),
    recordCamera: ({ cameraId, counts }) => recorder.cameraCounts(cameraId, counts),
    recordHealth: (cameraId, sample) => recorder.cameraSample(cameraId, sample),
    recordCameraLost: (cameraId, lostMs) => recorder.cameraLost(cameraId, lostMs),
    recordSensors: (sample) => recorder.sensors(sample),
    recordRunner: (runner) => processes.follow(runner),
    markPartial: (reason) => recorder.markPartial(reason),
    closeWindow,
    emit,
    cameraVerdict: (cameraId) => recorder.cameraVerdict(cameraId),
    healthReferences: () => recorder.references(),
  };
}

function openEmit({ identity, boot, spool, log }: TelemetryOptions): Telemetry['emit'] {
  return (fields) => {
    const body = { ...fields, v: 1 as const, site: identity.site, device: identity.device, boot };
    const seq = spool.appendEvent(body);
    log.info({ event: fields.kind, seq, reason: fields.reason }, 'event');
    return { ...body, seq };
  };
}

type WindowParts = {
  readonly options: TelemetryOptions;
  readonly recorder: WindowRecorder;
  readonly emit: Telemetry['emit'];
  readonly processUse: (digest: string, role: ServingRole) => ProcessUse;
};

function openCloseWindow({ options, recorder, emit, processUse }: WindowParts): Telemetry['closeWindow'] {
  const { identity, boot, spool, wallNow, monotonicNow, log } = options;
  let [startAtMs, startMs] = [wallNow(), monotonicNow()];
  return (facts) => {
    const [endAtMs, endMs] = [wallNow(), monotonicNow()];
    if (Math.abs(endAtMs - startAtMs - (endMs - startMs)) > CLOCK_JUMP_MS_MAX)
      recorder.markPartial('the clock was set inside the window');
    const spoolDropped = spool.dropped();
    const { partial, ...recorded } = recorder.take({ activeMsByRole: facts.activeMsByRole, processUse });
    const body: WindowBody = {
      v: 1,
      site: identity.site,
      device: identity.device,
      boot,
      // The length is the monotonic one; a clock that was set back must not make a window end before it starts.
      startAtMs: Math.max(0, Math.round(endAtMs - (endMs - startMs))),
      endAtMs: Math.round(endAtMs),
      hardwareClass: identity.hardwareClass,
      cohortId: facts.cohortId,
      generation: facts.generation,
      killEpoch: facts.killEpoch,
      partial: partial.length > 0,
      ...recorded,
      spoolDropped,
    };
    [startAtMs, startMs] = [endAtMs, endMs];
    if (partial.length > 0) log.info({ reasons: partial }, 'the window is partial');
    checkWindow(body);
    // A disk that refuses goes on counting; an event for each refusal would push safety events out of memory.
    if (spool.appendWindow(body)) reportDropped({ emit, spoolDropped, atMs: Math.round(endAtMs) });
    reportSetAside(options, emit);
    return body;
  };
}

// Before writing, after reading: what leaves here must pass the very check that the control plane makes.
function checkWindow(body: WindowBody): void {
  const parsed = parseValue(windowSchema, { ...body, seq: 1 });
  if (parsed.ok) return;
  const problems = describeProblems(parsed.problems);
  throw new TelemetryError('window-invalid', `could not report a window that breaks its own contract: ${problems}`);
}

type Dropped = {
  readonly emit: Telemetry['emit'];
  readonly spoolDropped: Record<string, number>;
  readonly atMs: number;
};

function reportDropped({ emit, spoolDropped, atMs }: Dropped): void {
  const counts = Object.entries(spoolDropped).map(([name, count]) => `${count} ${name}${count === 1 ? '' : 's'}`);
  if (counts.length === 0) return;
  emit({ kind: 'spool-dropped', atMs, reason: `the spool was full and dropped ${counts.join(', ')}` });
}

function reportSetAside({ spool, wallNow }: TelemetryOptions, emit: Telemetry['emit']): void {
  const reason = spool.takeSetAside();
  if (reason === null) return;
  const sentence = `the spool file was broken and set aside; what had not been sent is lost: ${reason}`;
  emit({ kind: 'spool-dropped', atMs: Math.round(wallNow()), reason: sentence.slice(0, 2000) });
}
