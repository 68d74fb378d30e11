// A picture as a device sends it: a real JPEG of one pixel, with a box.
import type { SentPicture } from '../../../shared/protocol/api-pictures.ts';

const JPEG =
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=';

export function sentPicture(part: Partial<SentPicture> = {}): SentPicture {
  return {
    cameraId: 'top',
    requestId: 'cam-01/top/abc-1',
    width: 64,
    height: 64,
    arms: [
      {
        arm: 'baseline',
        release: 'cv-detector:1.0.0+data=d1',
        objects: [{ label: 'dent', score: 0.9, box: [1, 2, 3, 4], isDisputed: false }],
      },
    ],
    disagreement: 0,
    jpeg: JPEG,
    ageMs: 10,
    ...part,
  };
}
