// captured = delivered + dropped, exactly, over any life of any number of source processes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CameraTally } from '../../../agent/frames/camera-tally.ts';

const REASONS = ['no-free-slot', 'late', 'unreadable', 'ring-write'] as const;

/** A process as frame-writer.ts counts: every captured frame has the next number, delivered or not. */
class Source {
  captured = 0;
  delivered = 0;
  readonly dropped = { 'no-free-slot': 0, late: 0, unreadable: 0, 'ring-write': 0 };

  said() {
    return { captured: this.captured, delivered: this.delivered, dropped: { ...this.dropped } };
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant('deliver' as const) },
  { weight: 4, arbitrary: fc.constantFrom(...REASONS) },
  { weight: 2, arbitrary: fc.constant('say' as const) },
  { weight: 1, arbitrary: fc.constant('die' as const) },
);

class World {
  readonly tally = new CameraTally();
  readonly seqs: number[] = [];
  #source = new Source();
  /** What can be known: the frames of processes that are gone, and of this one up to its last word or token. */
  #past = 0;
  #known = 0;

  play(what: 'deliver' | 'say' | 'die' | (typeof REASONS)[number]): void {
    if (what === 'deliver') this.#deliver();
    else if (what === 'say') this.#say();
    else if (what === 'die') this.#die();
    else this.#drop(what);
    const { captured, delivered, dropped } = this.tally.counts();
    expect(captured).toBe(delivered + Object.values(dropped).reduce((a, b) => a + b, 0));
    expect(delivered).toBe(this.seqs.length);
  }

  #deliver(): void {
    this.seqs.push(this.tally.delivered(this.#source.captured));
    this.#source.captured += 1;
    this.#source.delivered += 1;
    this.#known = this.#source.captured;
  }

  #drop(reason: (typeof REASONS)[number]): void {
    this.#source.captured += 1;
    this.#source.dropped[reason] += 1;
  }

  #say(): void {
    this.tally.said(this.#source.said());
    this.#known = this.#source.captured;
  }

  #die(): void {
    this.tally.died();
    this.#past += this.#known;
    this.#known = 0;
    this.#source = new Source();
    expect(this.tally.counts().captured).toBe(this.#past);
  }
}

describe('CameraTally', () => {
  it('is exact whatever happens, and knows every frame up to the last that was delivered or told', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const world = new World();
        for (const what of [...steps, 'die' as const]) world.play(what);
        expect(new Set(world.seqs).size).toBe(world.seqs.length);
        expect(world.seqs).toEqual([...world.seqs].sort((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('says which frames were lost with a process that died', () => {
    const tally = new CameraTally();
    tally.delivered(0);
    tally.said({ captured: 3, delivered: 1, dropped: { 'no-free-slot': 0, late: 2, unreadable: 0, 'ring-write': 0 } });
    expect(tally.delivered(7)).toBe(7);
    tally.died();
    expect(tally.counts()).toMatchObject({ captured: 8, delivered: 2, dropped: { late: 2, 'source-died': 4 } });
    expect(tally.delivered(0)).toBe(8);
  });
});
