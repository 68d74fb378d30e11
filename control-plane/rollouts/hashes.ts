// Hashes of the rollouts room: cohort keys and content hashes. The core stays free of node:crypto and gets numbers.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../shared/basics/canonical-json.ts';

/** First 48 bits of SHA-256(salt ‖ 0x00 ‖ hardwareId) as a number: exact in a double. */
export function cohortKey(salt: string, hardwareId: string): number {
  return createHash('sha256').update(salt).update(Uint8Array.of(0)).update(hardwareId).digest().readUIntBE(0, 6);
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** SHA-256 of the canonical JSON: equal documents have equal hashes. */
export function hashDocument(document: unknown): string {
  return hashText(canonicalJson(document));
}
