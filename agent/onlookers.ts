// Who looks at the loops and touches nothing: the watchdog that systemd asks for, the preview page, and pictures on demand.
import { describeError } from '../shared/basics/errors.ts';
import type { Ask } from '../shared/protocol/documents.ts';
import { afterOnTheClock } from './after.ts';
import type { AgentConfig } from './config.ts';
import type { ControlLoop } from './control-loop.ts';
import type { FrameLoop } from './frame-loop.ts';
import type { AnsweredFrame } from './frame-outcome.ts';
import type { RoomLog } from './frames/child-log.ts';
import type { Camera, RingInfo } from './frames/frames.ts';
import { openRing } from './frames/ring.ts';
import { PicturesOnDemand } from './pictures/pictures.ts';
import { openSendPictures } from './pictures/send-pictures.ts';
import type { ReadFrame } from './pictures/taken.ts';
import { openPreview, type Preview } from './preview/preview.ts';
import type { Sinks } from './sinks/sinks.ts';
import { openWatchdog } from './watchdog/watchdog.ts';

export type OnlookersParts = {
  readonly config: Pick<AgentConfig, 'preview' | 'pictures' | 'controlPlane' | 'site' | 'device'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly control: Pick<ControlLoop, 'state' | 'ticks'>;
  readonly frameLoop: Pick<FrameLoop, 'counter'>;
  readonly cameras: ReadonlyMap<string, Camera>;
  readonly sinks: Pick<Sinks, 'report'>;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  readonly boot: string;
  readonly log: RoomLog;
};

export type Onlookers = {
  readonly onAnswered: (answered: AnsweredFrame) => void;
  /** Somebody asks for pictures; it has been verified. */
  readonly asked: (ask: Ask) => void;
  readonly close: () => Promise<void>;
};

export function openOnlookers(parts: OnlookersParts): Onlookers {
  const { env, control, frameLoop, monotonicNow, log } = parts;
  const readFrame = openReadFrame(parts);
  const preview = openPreviewIfAsked(parts, readFrame);
  const pictures = openPictures(parts, readFrame);
  const facts = () => {
    const { serving } = control.state();
    const { offeredFrames, settledFrames, supersededFrames, answeredFrames: answered } = frameLoop.counter;
    const [offered, settled] = [offeredFrames - supersededFrames, settledFrames - supersededFrames];
    const sentence = `${serving.ref?.release ?? 'nobody'} answers: ${serving.because}`;
    return { offered, settled, answered, ticks: control.ticks, isServing: serving.ref !== null, sentence };
  };
  const watchdog = openWatchdog({ env, facts, monotonicNow, log });
  return {
    onAnswered: (answered) => {
      preview?.onAnswered(answered);
      pictures?.onAnswered(answered);
    },
    asked: (ask) => void pictures?.asked(ask),
    close: async () => {
      await Promise.all([watchdog.close(), preview?.close()]);
    },
  };
}

function openReadFrame({ cameras, log }: OnlookersParts): ReadFrame {
  return (cameraId, contract, slot) => {
    try {
      const info = cameras.get(cameraId)?.ring(contract);
      return info === undefined ? null : copyOf(info, slot);
    } catch (error) {
      // A picture for a viewer is worth no trouble: the next frame is another chance.
      log.debug({ cameraId, error: describeError(error) }, 'a frame could not be copied for a viewer');
      return null;
    }
  };
}

function openPreviewIfAsked(parts: OnlookersParts, readFrame: ReadFrame): Preview | null {
  const { config, control, cameras, sinks } = parts;
  const { preview: options, site, device } = config;
  if (options === null) return null;
  return openPreview({
    ...parts,
    options,
    site,
    device,
    cameraIds: [...cameras.keys()],
    state: () => control.state(),
    sinks: () => sinks.report(),
    readFrame,
  });
}

/** Null: there is nobody who could ask. */
function openPictures(parts: OnlookersParts, readFrame: ReadFrame): PicturesOnDemand | null {
  const { config, control, cameras, boot, monotonicNow, log } = parts;
  const { controlPlane, site, device, pictures: policy } = config;
  if (controlPlane === null) return null;
  const { apiUrl, password } = controlPlane;
  return new PicturesOnDemand({
    ...openSendPictures({ address: { site, device }, apiUrl, password, monotonicNow, log }),
    policy,
    boot,
    cameraIds: [...cameras.keys()],
    isShadowing: () => control.state().serving.shadow !== null,
    readFrame,
    monotonicNow,
    after: afterOnTheClock,
    log,
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
