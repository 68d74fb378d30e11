// What became of a camera's frames over all the processes that have read it: captured = delivered + dropped, exactly, also
// when a process dies between two of its reports. Counting only.
import { DROP_REASONS, type DropReason, type SourceCounts } from './source-protocol.ts';

/** `source-died`: dropped by a process that ended before it could say why; the numbers of its frames tell how many. */
export type CameraDropReason = DropReason | 'source-died';

/** captured = delivered + the sum of dropped. */
export type CameraCounts = {
  readonly captured: number;
  readonly delivered: number;
  readonly dropped: Readonly<Record<CameraDropReason, number>>;
};

type Said = Pick<SourceCounts, 'captured' | 'delivered' | 'dropped'>;

const NOTHING_SAID: Said = {
  captured: 0,
  delivered: 0,
  dropped: { 'no-free-slot': 0, late: 0, unreadable: 0, 'ring-write': 0 },
};

export class CameraTally {
  readonly #past: Record<CameraDropReason, number> = { ...NOTHING_SAID.dropped, 'source-died': 0 };
  #delivered = 0;
  /** Of the present process: what it said last, the tokens it has sent, the number behind that of the last one. */
  #said = NOTHING_SAID;
  #tokens = 0;
  #seqEnd = 0;
  /** Numbers of the present process begin here. */
  #seqBase = 0;

  /** `seq` counts within the process; gives the number over all of them. */
  delivered(seq: number): number {
    this.#delivered += 1;
    this.#tokens += 1;
    this.#seqEnd = seq + 1;
    return this.#seqBase + seq;
  }

  /** Takes what a process says of itself so far; gives the frames that found no free slot since it last did. */
  said(counts: Said): number {
    const fresh = counts.dropped['no-free-slot'] - this.#said.dropped['no-free-slot'];
    this.#said = counts;
    return fresh;
  }

  /** The process is gone, and the next one counts from the beginning. */
  died(): void {
    for (const reason of DROP_REASONS) this.#past[reason] += this.#said.dropped[reason];
    // Behind what it said, the numbers of its tokens show the frames between them.
    const unsaidTokens = this.#tokens - this.#said.delivered;
    this.#past['source-died'] += Math.max(0, this.#seqEnd - this.#said.captured - unsaidTokens);
    this.#seqBase += Math.max(this.#seqEnd, this.#said.captured);
    this.#said = NOTHING_SAID;
    this.#tokens = 0;
    this.#seqEnd = 0;
  }

  counts(): CameraCounts {
    const dropped = { ...this.#past };
    for (const reason of DROP_REASONS) dropped[reason] += this.#said.dropped[reason];
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return { captured: this.#delivered + lost, delivered: this.#delivered, dropped };
  }
}
