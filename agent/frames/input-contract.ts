// What a release's input contract means for frames: how big they are, and which releases may share a ring. Pure but for the hash.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';
import type { InputContract } from '../../shared/release/manifest.ts';

export type FrameShape = { readonly width: number; readonly height: number; readonly channels: number };

/** First 16 hex digits of the SHA-256 of the contract: releases with equal hashes share a ring. */
export function contractHash(contract: InputContract): string {
  return createHash('sha256').update(canonicalJson(contract)).digest('hex').slice(0, 16);
}

export function frameShapeOf(contract: InputContract): FrameShape {
  const [, a = 0, b = 0, c = 0] = contract.shape;
  return contract.layout === 'NHWC' ? { height: a, width: b, channels: c } : { channels: a, height: b, width: c };
}

/** Bytes of one frame in a ring: always one per value, whatever the model's own input type. */
export function frameBytesOf(contract: InputContract): number {
  return contract.shape.reduce((product, dim) => product * dim, 1);
}
