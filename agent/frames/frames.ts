// The door of the room: cameras give frames. Pictures are opened in a process per camera, never in this one; what comes
// out here are tokens that say in which slot of which ring a model-ready frame lies.
import type { InputContract } from '../../shared/release/manifest.ts';
import { type CameraOptions, SourceChild } from './camera.ts';
import type { CameraCounts } from './camera-tally.ts';
import type { RingInfo } from './ring.ts';

export type { CameraLoss, CameraOptions, CameraToken } from './camera.ts';
export type { CameraSource } from './camera-source.ts';
export type { CameraCounts } from './camera-tally.ts';
export { boxToInput, boxToPicture, isSameView, type PictureSize } from './geometry.ts';
export type { CameraHealth } from './health.ts';
export { contractHash } from './input-contract.ts';
export { setNice } from './process-nice.ts';
export { RingError, type RingInfo, sweepRings } from './ring.ts';

export type Camera = {
  /** Where the frames of this contract lie. Throws RangeError for a contract that was not set. */
  ring(contract: InputContract): RingInfo;
  /** Resolves when every token from now on has its frame in the rings of these contracts. Rings of others are removed. */
  setContracts(contracts: readonly InputContract[]): Promise<void>;
  /** Nobody reads this slot any more: it may be written again. */
  release(slot: number): void;
  counts(): CameraCounts;
  /** Ends the source, gently for a second, and removes the rings. */
  close(): Promise<void>;
};

/** Frames in flight that a camera has room for: two in each of three runners, one being written, one to spare. */
export const SLOTS_DEFAULT = 8;

/** Resolves when the rings are made and the source is starting; a camera that is not there is reported by onLost. Rejects with RingError. */
export async function openCamera(options: Omit<CameraOptions, 'slots'> & { readonly slots?: number }): Promise<Camera> {
  const camera = new SourceChild({ ...options, slots: options.slots ?? SLOTS_DEFAULT });
  return {
    ring: (contract) => camera.ring(contract),
    setContracts: (contracts) => camera.setContracts(contracts),
    release: (slot) => camera.release(slot),
    counts: () => camera.counts(),
    close: () => camera.close(),
  };
}
