// What the cameras' state means for whoever asks why: a lost or unhealthy camera is told with its cause, and never as the
// fault of a release. Pure.
import type { CameraFacts, CoreState } from './state.ts';

type CameraBlocked = {
  readonly kind: 'camera-lost' | 'camera-unusable';
  readonly reason: string;
  readonly sinceMs: number;
};

export function lostReason(cameraId: string, why: string | null): string {
  return told(`camera ${cameraId} gives no frames`, why);
}

/** One entry for each camera that gives no frames, or none that a release can be judged by. */
export function camerasBlocked({ cameras }: CoreState): readonly CameraBlocked[] {
  return [...cameras].flatMap(([cameraId, camera]) => blockedOf(cameraId, camera));
}

function blockedOf(cameraId: string, { lost, healthy, why, sinceMs }: CameraFacts): readonly CameraBlocked[] {
  if (lost) return [{ kind: 'camera-lost', reason: lostReason(cameraId, why), sinceMs }];
  if (healthy !== false) return [];
  return [{ kind: 'camera-unusable', reason: told(`camera ${cameraId} is unhealthy`, why), sinceMs }];
}

function told(what: string, why: string | null): string {
  return why === null ? what : `${what}: ${why}`;
}
