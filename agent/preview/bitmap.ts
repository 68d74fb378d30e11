// A frame of a ring as an uncompressed bitmap, which every browser shows in <img>. Bytes are put in order, nothing is
// decoded or compressed: a picture that would crash a codec is nothing here. Pure.
import type { InputContract } from '../../shared/release/manifest.ts';
import { frameShapeOf } from '../frames/input-contract.ts';
import { planesOf } from '../frames/planes.ts';

const HEADER_BYTES = 54;
const INFO_BYTES = 40;
const BITS_PER_PIXEL = 24;

/** `frame`: one byte a value, as it lies in the ring. */
export function bitmapOf(frame: Uint8Array, contract: InputContract): Buffer {
  const { width, height } = frameShapeOf(contract);
  const rowBytes = Math.ceil((width * 3) / 4) * 4;
  const bitmap = Buffer.alloc(HEADER_BYTES + rowBytes * height);
  writeHeader(bitmap, width, height);
  const { step, red, green, blue } = planesOf(contract);
  let from = 0;
  for (let y = 0; y < height; y += 1) {
    // Rows of a bitmap go from the bottom up.
    let to = HEADER_BYTES + (height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1, from += step, to += 3) {
      bitmap[to] = frame[from + blue] ?? 0;
      bitmap[to + 1] = frame[from + green] ?? 0;
      bitmap[to + 2] = frame[from + red] ?? 0;
    }
  }
  return bitmap;
}

function writeHeader(bitmap: Buffer, width: number, height: number): void {
  bitmap.write('BM', 0, 'latin1');
  bitmap.writeUInt32LE(bitmap.length, 2);
  bitmap.writeUInt32LE(HEADER_BYTES, 10);
  bitmap.writeUInt32LE(INFO_BYTES, 14);
  bitmap.writeInt32LE(width, 18);
  bitmap.writeInt32LE(height, 22);
  bitmap.writeUInt16LE(1, 26);
  bitmap.writeUInt16LE(BITS_PER_PIXEL, 28);
}
