// The spool against a model: whatever the order of appends, sends, acknowledgements and restarts, every event is
// counted exactly once, every window is counted or reported as dropped, and no sequence has a hole.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Spool } from '../../../agent/telemetry/spool.ts';
import { buildBody, buildEvent, openTemporaryFolder, openTestSpool } from './spool-builder.ts';

type Step =
  | { readonly kind: 'event' | 'window' | 'restart' }
  | { readonly kind: 'send'; readonly limit: number; readonly lost: number; readonly acknowledge: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>({ kind: 'event' }) },
  { weight: 8, arbitrary: fc.constantFrom<Step>({ kind: 'window' }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'restart' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      limit: fc.integer({ min: 1, max: 6 }),
      // Bit i set: the i-th document of this send is lost on the way.
      lost: fc.nat(63),
      acknowledge: fc.boolean(),
    }),
  },
);

/** The control plane: keeps each (boot, seq) once and acknowledges without holes. */
class Consumer {
  readonly stored = new Map<string, string>();
  readonly boots = new Map<string, Set<number>>();

  receive(boot: string, seq: number, text: string): void {
    const key = `${boot} ${seq}`;
    const known = this.stored.get(key);
    if (known !== undefined) expect(text, `${key} has changed on the way`).toBe(known);
    this.stored.set(key, text);
    const seqs = this.boots.get(boot) ?? new Set();
    this.boots.set(boot, seqs.add(seq));
  }

  watermarks(): [string, number][] {
    return [...this.boots].map(([boot, seqs]) => {
      let mark = 0;
      while (seqs.has(mark + 1)) mark += 1;
      return [boot, mark];
    });
  }
}

class World {
  readonly #path: string;
  readonly #bytesMax: number;
  readonly consumer = new Consumer();
  spool: Spool;
  boots = 1;
  events = 0;
  windows = 0;

  constructor(path: string, bytesMax: number) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.spool = this.#open();
  }

  take(next: Step): void {
    const boot = this.#boot();
    if (next.kind === 'send') {
      this.#send(next.limit, next.lost, next.acknowledge);
    } else if (next.kind === 'event') {
      this.spool.appendEvent(buildEvent(`event ${this.events}`, { boot }));
      this.events += 1;
    } else if (next.kind === 'window') {
      this.spool.appendWindow(buildBody({ boot }));
      this.windows += 1;
    } else {
      this.spool.close();
      this.boots += 1;
      this.spool = this.#open();
    }
  }

  drain(): void {
    for (let i = 0; this.spool.pending(1).length > 0; i += 1) {
      expect(i, 'the spool does not drain').toBeLessThan(1000);
      this.#send(5, 0, true);
    }
  }

  #send(limit: number, lost: number, acknowledge: boolean): void {
    this.spool.pending(limit).forEach(({ boot, seq, text }, index) => {
      if (((lost >> index) & 1) === 0) this.consumer.receive(boot, seq, text);
    });
    if (acknowledge) for (const [boot, seq] of this.consumer.watermarks()) this.spool.acknowledge(boot, seq);
  }

  #boot(): string {
    return `boot-${String(this.boots).padStart(4, '0')}`;
  }

  #open(): Spool {
    return openTestSpool(this.#path, { boot: this.#boot(), bytesMax: this.#bytesMax });
  }
}

describe('the spool, through any history', () => {
  for (const [name, bytesMax] of [
    ['with room', 10_000_000],
    ['far too small', 24_000],
  ] as const)
    it(`counts everything exactly once ${name}`, () => {
      const folder = openTemporaryFolder();
      let run = 0;
      try {
        fc.assert(
          fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
            run += 1;
            const world = new World(folder.path(`${run}.db`), bytesMax);
            try {
              for (const next of steps) world.take(next);
              world.drain();
              checkConservation(world);
            } finally {
              world.spool.close();
            }
          }),
          { numRuns: 100 },
        );
      } finally {
        folder.remove();
      }
    });
});

function checkConservation(world: World): void {
  const documents = [...world.consumer.stored.values()].map((text) => JSON.parse(text));
  const reasons = documents.filter((document) => 'kind' in document).map((document) => document.reason);
  expect(new Set(reasons).size).toBe(world.events);
  expect(reasons).toHaveLength(world.events);
  const windows = documents.filter((document) => 'arms' in document);
  const counted = windows.reduce((sum, window) => sum + window.arms[0].frames, 0);
  const reported = windows.reduce((sum, window) => sum + (window.spoolDropped.window ?? 0), 0);
  expect(counted + reported + (world.spool.dropped().window ?? 0)).toBe(world.windows);
  for (const [boot, mark] of world.consumer.watermarks())
    expect(mark, `${boot} has a hole`).toBe(world.consumer.boots.get(boot)?.size);
  expect(world.spool.size()).toEqual({ events: 0, windows: 0, bytes: 0 });
}
