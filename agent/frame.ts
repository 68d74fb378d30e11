// A frame on its way through the runners, and the lane that leads to one runner. A slot of the ring is free again only
// when everybody who got its token has answered or died.

import type { InputContract } from '../shared/release/manifest.ts';
import type { ReleaseRef } from './core/state.ts';
import type { CameraToken } from './frames/frames.ts';
import type { FrameToken, Runner } from './inference/inference.ts';
import type { PairedAnswer, ServingRole } from './telemetry/outcome.ts';

/** An answer and the view of the picture that its places are meant in. */
export type SeenAnswer = PairedAnswer & { readonly input: InputContract };

/** One captured frame. Mutable: it is the place where its own life is kept. */
export type Frame = {
  readonly cameraId: string;
  readonly requestId: string;
  readonly token: CameraToken;
  /** Lanes that hold or wait with it. */
  holds: number;
  /** Answered, failed or dropped: what comes later is no answer any more. */
  isSettled: boolean;
  /** Digest of the shadow that sees it when it is answered. */
  shadow: string | null;
  /** Both arms' answers of a frame that a shadow sees too; null when none does. */
  pair: { baseline: SeenAnswer | null; candidate: SeenAnswer | null } | null;
};

/** Held by whoever opens it. */
export function openFrame(token: CameraToken, requestId: string): Frame {
  return { cameraId: token.cameraId, requestId, token, holds: 1, isSettled: false, shadow: null, pair: null };
}

/** A frame in the hands of a runner. */
export type Flight = FrameToken & {
  readonly frame: Frame;
  readonly role: ServingRole;
  /** When the runner came to it: it was free, or done with the frame before. */
  startedAtMs: number;
  /** Its frame has gone elsewhere: its answer only frees the slot. */
  isDiverted: boolean;
  readonly isOpinion?: boolean;
};

/** `isOpinion`: the baseline looks at a frame that a suspected candidate answers; nobody gets that answer. */
export type Offer = { readonly frame: Frame; readonly role: ServingRole; readonly isOpinion?: boolean };

/** One runner of one release at one camera: one frame running, one in its queue, one waiting here, and rescued ones first. */
export type Lane = {
  readonly ref: ReleaseRef;
  readonly cameraId: string;
  readonly labelMap: Readonly<Record<string, string>> | null;
  /** Class numbers that consumers of earlier releases know, by their names; left out: this release's own. */
  readonly labelIds?: Readonly<Record<string, number>>;
  /** Labels that alert; null: all of them. */
  readonly alerting?: ReadonlySet<string> | null;
  readonly input: InputContract;
  runner: Runner<Flight>;
  /** In the hands of the runner, oldest first: the first one runs. */
  flights: Flight[];
  waiting: Offer | null;
  rescued: Offer[];
  /** Ends the watch on the frame that runs; null while nothing runs. */
  deadline: (() => void) | null;
  /** The frame it runs has missed its deadline. */
  isLate: boolean;
  /** Frames that went elsewhere because it was late. */
  diverted: number;
  isEnding: boolean;
};

/** Nothing runs, nothing waits. */
export function isIdle(lane: Lane): boolean {
  return lane.flights.length === 0 && lane.waiting === null && lane.rescued.length === 0;
}

export function laneKey(digest: string, cameraId: string): string {
  return `${digest}/${cameraId}`;
}

type LaneParts = Pick<Lane, 'ref' | 'cameraId' | 'labelMap' | 'labelIds' | 'alerting' | 'input' | 'runner'>;

export function openLane(lane: LaneParts): Lane {
  return {
    ...lane,
    flights: [],
    waiting: null,
    rescued: [],
    deadline: null,
    isLate: false,
    diverted: 0,
    isEnding: false,
  };
}

/** How long a runner that ends gently has for the frame that it works on; a device that stops waits for nobody. */
export function drainMs(isStopping: boolean): number {
  return isStopping ? 1_000 : 10_000;
}

/** What waits in a lane, taken out of it, oldest first. */
export function takeWaiting(lane: Lane): readonly Offer[] {
  const offers = [...lane.rescued, ...(lane.waiting === null ? [] : [lane.waiting])];
  lane.rescued = [];
  lane.waiting = null;
  return offers;
}
