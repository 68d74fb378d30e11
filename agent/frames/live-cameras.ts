// Which reader a live camera has.
import type { LiveSource } from './camera-source.ts';
import { openFfmpegCamera } from './ffmpeg-camera.ts';
import type { LiveCamera } from './live-camera.ts';
import { openMjpegCamera } from './mjpeg-camera.ts';
import { openSnapshotCamera } from './snapshot-camera.ts';

export function openLiveCamera(source: LiveSource): LiveCamera {
  switch (source.kind) {
    case 'rtsp':
    case 'v4l2':
    case 'file':
      return openFfmpegCamera(source);
    case 'mjpeg':
      return openMjpegCamera(source);
    case 'snapshots':
      return openSnapshotCamera(source);
  }
}
