// What played devices send when somebody asks for pictures: a drawn part, and what two releases found on it.
import sharp from 'sharp';
import type { PictureUpload, SentPicture, ShownArm } from '../../shared/protocol/api-pictures.ts';
import type { Ask } from '../../shared/protocol/documents.ts';

const SIDE = 640;

const PART = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}">
<rect width="${SIDE}" height="${SIDE}" fill="#3a3f46"/>
<rect x="110" y="170" width="420" height="300" rx="30" fill="#9aa3ad"/>
<circle cx="200" cy="320" r="46" fill="#3a3f46"/><circle cx="440" cy="320" r="46" fill="#3a3f46"/>
<path d="M270 220 L380 250" stroke="#4a4038" stroke-width="5"/>
<ellipse cx="330" cy="410" rx="34" ry="20" fill="#7b8590"/>
</svg>`;

type Found = ShownArm['objects'][number];
const scratch: Found = { label: 'scratch', score: 0.91, box: [262, 208, 128, 54], isDisputed: true };
const dent: Found = { label: 'dent', score: 0.77, box: [292, 386, 78, 50], isDisputed: false };
const hole: Found = { label: 'hole', score: 0.62, box: [390, 270, 100, 100], isDisputed: true };

export async function givePictures(): Promise<(ask: Ask) => PictureUpload> {
  const jpeg = await sharp(Buffer.from(PART)).jpeg({ quality: 85 }).toBuffer();
  const picture = (part: Partial<SentPicture>): SentPicture => ({
    cameraId: 'camera-1',
    requestId: 'cam/camera-1/abc-1',
    width: SIDE,
    height: SIDE,
    arms: [
      { arm: 'baseline', release: 'cv-detector:1.0.0', objects: [scratch, dent] },
      { arm: 'candidate', release: 'cv-detector:1.1.0', objects: [dent, hole] },
    ],
    disagreement: 1.53,
    jpeg: jpeg.toString('base64'),
    ageMs: 300,
    ...part,
  });
  const small = picture({
    requestId: 'cam/camera-1/abc-2',
    disagreement: 0.62,
    arms: [
      { arm: 'baseline', release: 'cv-detector:1.0.0', objects: [dent] },
      { arm: 'candidate', release: 'cv-detector:1.1.0', objects: [dent, hole] },
    ],
  });
  return ({ what }) => {
    const pictures = what === 'disagreements' ? [picture({}), small] : [picture({})];
    return { kind: 'pictures', pictures, note: null };
  };
}
