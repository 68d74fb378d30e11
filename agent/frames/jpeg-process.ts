// A process that makes JPEGs of model-ready frames and ends. It is there only while somebody has asked for pictures, at the
// lowest priority, so that neither the image library nor the time it takes is ever in the agent itself. Run by jpeg.ts.
import sharp from 'sharp';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems, parseValue } from '../../shared/basics/parsing.ts';
import { encodeBinary, encodeJson } from './framing.ts';
import { frameShapeOf } from './input-contract.ts';
import { type JpegOrder, jpegOrderSchema } from './jpeg-protocol.ts';
import { openParentLink } from './parent-link.ts';
import { pixelsOf } from './planes.ts';

/** Tried one after the other until the picture is small enough: quality, and how much smaller its sides are. */
const TRIES = [
  { quality: 85, scale: 1 },
  { quality: 60, scale: 1 },
  { quality: 60, scale: 0.5 },
  { quality: 40, scale: 0.25 },
] as const;

async function jpegOf({ contract, bytesMax }: JpegOrder, frame: Uint8Array): Promise<Buffer | null> {
  const { width, height } = frameShapeOf(contract);
  const pixels = pixelsOf(frame, contract);
  for (const { quality, scale } of TRIES) {
    const picture = sharp(pixels, { raw: { width, height, channels: 3 } });
    if (scale < 1) picture.resize({ width: Math.max(1, Math.round(width * scale)) });
    const jpeg = await picture.jpeg({ quality }).toBuffer();
    if (jpeg.byteLength <= bytesMax) return jpeg;
  }
  return null;
}

function runEncoder(): void {
  sharp.cache(false);
  sharp.concurrency(1);
  let order: JpegOrder | null = null;
  let pieces: Uint8Array[] = [];
  let work: Promise<void> = Promise.resolve();
  const make = async (asked: JpegOrder, frame: Uint8Array): Promise<void> => {
    try {
      const jpeg = await jpegOf(asked, frame);
      link.send(jpeg === null ? encodeJson({ fault: 'no smaller picture would do' }) : encodeBinary(jpeg));
    } catch (error) {
      link.send(encodeJson({ fault: describeError(error).slice(0, 500) }));
    }
  };
  const link = openParentLink((message) => {
    if (message.kind === 'json') {
      const parsed = parseValue(jpegOrderSchema, message.value);
      if (!parsed.ok) throw new TypeError(`an order for a picture: ${describeProblems(parsed.problems)}`);
      order = parsed.value;
      pieces = [];
      return;
    }
    if (order === null) throw new TypeError('bytes of a picture that nobody has announced');
    pieces.push(message.bytes);
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    if (bytes < order.frameBytes) return;
    const [asked, frame] = [order, Buffer.concat(pieces)];
    order = null;
    pieces = [];
    work = work.then(() => make(asked, frame));
  });
}

runEncoder();
