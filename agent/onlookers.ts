// Who looks at the loops and touches nothing: the watchdog that systemd asks for, and the preview page.
import { describeError } from '../shared/basics/errors.ts';
import type { AgentConfig } from './config.ts';
import type { ControlLoop } from './control-loop.ts';
import type { FrameLoop } from './frame-loop.ts';
import type { AnsweredFrame } from './frame-outcome.ts';
import type { RoomLog } from './frames/child-log.ts';
import type { Camera, RingInfo } from './frames/frames.ts';
import { openRing } from './frames/ring.ts';
import { openPreview, type Preview, type PreviewParts } from './preview/preview.ts';
import type { Sinks } from './sinks/sinks.ts';
import { openWatchdog } from './watchdog/watchdog.ts';

export type OnlookersParts = {
  readonly config: Pick<AgentConfig, 'preview' | 'site' | 'device'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly control: Pick<ControlLoop, 'state' | 'ticks'>;
  readonly frameLoop: Pick<FrameLoop, 'counter'>;
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly sinks: Pick<Sinks, 'report'>;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly log: RoomLog;
};

export type Onlookers = {
  readonly onAnswered: (answered: AnsweredFrame) => void;
  readonly close: () => Promise<void>;
};

export function openOnlookers(parts: OnlookersParts): Onlookers {
  const { env, control, frameLoop, monotonicNow, log } = parts;
  const preview = openPreviewIfAsked(parts);
  const facts = () => {
    const { serving } = control.state();
    const { offeredFrames, settledFrames, supersededFrames, answeredFrames: answered } = frameLoop.counter;
    const [offered, settled] = [offeredFrames - supersededFrames, settledFrames - supersededFrames];
    const sentence = `${serving.ref?.release ?? 'nobody'} answers: ${serving.because}`;
    return { offered, settled, answered, ticks: control.ticks, isServing: serving.ref !== null, sentence };
  };
  const watchdog = openWatchdog({ env, facts, monotonicNow, log });
  return {
    onAnswered: (answered) => preview?.onAnswered(answered),
    close: async () => {
      await Promise.all([watchdog.close(), preview?.close()]);
    },
  };
}

function openPreviewIfAsked({ config, control, cameras, sinks, ...parts }: OnlookersParts): Preview | null {
  const { preview: options, site, device } = config;
  if (options === null) return null;
  const readFrame: PreviewParts['readFrame'] = (cameraId, contract, slot) => {
    try {
      const info = cameras.get(cameraId)?.ring(contract);
      return info === undefined ? null : copyOf(info, slot);
    } catch (error) {
      // A picture for a viewer is worth no trouble: the next frame is another chance.
      parts.log.debug({ cameraId, error: describeError(error) }, 'a frame could not be copied for the preview');
      return null;
    }
  };
  const cameraIds = [...cameras.keys()];
  const report = () => sinks.report();
  return openPreview({
    ...parts,
    options,
    site,
    device,
    cameraIds,
    state: () => control.state(),
    sinks: report,
    readFrame,
  });
}

function copyOf(info: RingInfo, slot: number): Uint8Array {
  const ring = openRing(info, 'r');
  try {
    const frame = new Uint8Array(info.frameBytes);
    ring.read(slot, frame);
    return frame;
  } finally {
    ring.close();
  }
}
