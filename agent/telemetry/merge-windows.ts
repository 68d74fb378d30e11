// Two windows of one device that follow each other become one of twice the length: how a full spool makes room without
// losing counts. Pure.
import { createHash } from 'node:crypto';
import { addCounts, mergeArms, mergePaired } from '../../shared/measure/quality.ts';
import { NO_SENSORS } from '../../shared/measure/sensors.ts';
import type { CameraWindow } from '../../shared/measure/window.ts';
import type { WindowBody } from './document-body.ts';
import { addReading, NO_READINGS } from './sensor-window.ts';

/** Windows merge only when their keys are equal: the merged one must be judged exactly as its parts would have been. */
export function mergeKey(window: WindowBody): string {
  const arms = window.arms.map((arm) => `${arm.digest} ${arm.role}`).sort();
  const paired = window.paired ? `${window.paired.baselineDigest} ${window.paired.candidateDigest}` : null;
  const cameras = window.cameras.map((camera) => [camera.cameraId, camera.healthy]).sort();
  const { boot, cohortId, generation, killEpoch, partial, hardwareClass } = window;
  const parts = [boot, hardwareClass, cohortId, generation, killEpoch, partial, arms, paired, cameras];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22);
}

/** `first` precedes `second`; their merge keys are equal. */
export function mergeWindows(first: WindowBody, second: WindowBody): WindowBody {
  // Windows that an older agent has spooled know fewer sensors.
  const known = [first.sensors, second.sensors].map((sensors) => ({ ...NO_SENSORS, ...sensors }));
  const readings = known.reduce(addReading, NO_READINGS);
  const both = [first, second];
  return {
    ...second,
    startAtMs: Math.min(first.startAtMs, second.startAtMs),
    endAtMs: Math.max(first.endAtMs, second.endAtMs),
    arms: [...mergeArms(both.flatMap((window) => window.arms))],
    paired: mergePaired(both.flatMap((window) => window.paired ?? []))[0] ?? null,
    cameras: second.cameras.map((camera) => mergeCamera(first.cameras, camera)),
    sensors: readings.sensors,
    spoolDropped: addCounts(both.map((window) => window.spoolDropped)),
  };
}

// The reading of a ratio is the later one; it speaks for the last samples of the camera, not for a period.
function mergeCamera(earlier: readonly CameraWindow[], camera: CameraWindow): CameraWindow {
  const before = earlier.find((other) => other.cameraId === camera.cameraId);
  if (!before) return camera;
  return {
    ...camera,
    captured: before.captured + camera.captured,
    processed: before.processed + camera.processed,
    dropped: addCounts([before.dropped, camera.dropped]),
    lostMs: before.lostMs + camera.lostMs,
    staticDetections: before.staticDetections + camera.staticDetections,
    trackedDetections: before.trackedDetections + camera.trackedDetections,
    lumaShift: camera.lumaShift ?? before.lumaShift,
    sharpnessRatio: camera.sharpnessRatio ?? before.sharpnessRatio,
    saturatedShare: camera.saturatedShare ?? before.saturatedShare,
    redBlueRatio: camera.redBlueRatio ?? before.redBlueRatio,
    finding: camera.finding ?? before.finding,
  };
}
