// The bounded queue: what stays, what goes, and that nothing is counted twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineQueue } from '../../../agent/sinks/line-queue.ts';

describe('LineQueue', () => {
  it('keeps the newest when it is full, by number and by bytes', () => {
    const byNumber = new LineQueue({ lines: 2, bytes: 1000 });
    expect(['a', 'b', 'c'].map((line) => byNumber.push(line))).toEqual([0, 0, 1]);
    expect(byNumber.take({ lines: 9, bytes: 1000 })).toEqual(['b', 'c']);
    const byBytes = new LineQueue({ lines: 9, bytes: 6 });
    expect(['aa', 'bb', 'ü'].map((line) => byBytes.push(line))).toEqual([0, 0, 1]);
    expect(byBytes.push('far too long')).toBe(3);
    expect(byBytes.bytes).toBe(0);
  });

  it('puts back in front, and lets the oldest of those go', () => {
    const queue = new LineQueue({ lines: 3, bytes: 1000 });
    queue.push('a');
    queue.push('b');
    const taken = queue.take({ lines: 2, bytes: 1000 });
    queue.push('c');
    queue.push('d');
    expect(queue.putBack(taken)).toBe(1);
    expect(queue.take({ lines: 9, bytes: 1000 })).toEqual(['b', 'c', 'd']);
  });

  it('accounts for every line, whatever happens to it', () => {
    const act = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), line: fc.string({ maxLength: 12 }) }),
      fc.record({ kind: fc.constant('take' as const), lines: fc.integer({ min: 1, max: 5 }), back: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const queue = new LineQueue({ lines: 5, bytes: 40 });
        const count = { pushed: 0, gone: 0, taken: 0 };
        for (const one of acts) {
          if (one.kind === 'push') {
            count.pushed += 1;
            count.gone += queue.push(one.line);
          } else {
            const lines = queue.take({ lines: one.lines, bytes: 30 });
            if (one.back) count.gone += queue.putBack(lines);
            else count.taken += lines.length;
          }
          expect(queue.length).toBeLessThanOrEqual(5);
          expect(queue.bytes).toBeLessThanOrEqual(40);
        }
        expect(count.pushed).toBe(count.gone + count.taken + queue.length);
        if (queue.length === 0) expect(queue.bytes).toBe(0);
      }),
    );
  });
});
