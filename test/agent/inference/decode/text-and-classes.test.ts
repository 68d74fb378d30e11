// OCR and classification decoders, and the finite check that comes before all of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeClassification } from '../../../../agent/inference/decode/classification.ts';
import { decodeOcr } from '../../../../agent/inference/decode/ocr.ts';
import { firstNonFinite } from '../../../../agent/inference/decode/tensor.ts';
import type { OcrPostprocess } from '../../../../shared/release/postprocess.ts';

const CHARSET = ['<blank>', 'A', 'B', '1'];
const RULES: OcrPostprocess = {
  type: 'ocr',
  decoder: 'ctc-greedy',
  charset: CHARSET,
  blank: 0,
  axes: 'TNC',
  minConfidence: 0.6,
};

/** Steps that put `share` on the given symbol and spread the rest. */
function steps(symbols: readonly number[], share = 0.91) {
  const rows = symbols.map((symbol) => CHARSET.map((_, c) => (c === symbol ? share : (1 - share) / 3)));
  return { data: Float32Array.from(rows.flat()), dims: [symbols.length, 1, 4] };
}

describe('decodeOcr', () => {
  it('reads back any text that was written with a blank between characters, whatever the repeats', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })), { maxLength: 12 }),
        (runs) => {
          const written = runs.flatMap(([symbol, repeats]) => [...Array<number>(repeats).fill(symbol), 0]);
          const decoded = decodeOcr({ output: steps([0, ...written]), postprocess: RULES });
          expect(decoded.text).toBe(runs.map(([symbol]) => CHARSET[symbol]).join(''));
          expect(decoded.accepted).toBe(runs.length > 0);
        },
      ),
    );
  });

  it('merges repeats without a blank and keeps the best share of each character', () => {
    expect(decodeOcr({ output: steps([1, 1, 2]), postprocess: RULES })).toEqual({
      text: 'AB',
      score: 0.91,
      accepted: true,
      borderline: 0,
    });
  });

  it('gives logits and log-probabilities the same score as probabilities', () => {
    const shares = steps([1, 0, 3], 0.8);
    const logs = { data: shares.data.map((value) => Math.log(value)), dims: shares.dims };
    const logits = { data: logs.data.map((value) => value + 3), dims: shares.dims };
    for (const output of [shares, logs, logits])
      expect(decodeOcr({ output, postprocess: RULES })).toMatchObject({ text: 'A1', score: 0.8 });
  });

  it('does not accept a doubtful or ill-formed text, but counts it as borderline', () => {
    expect(decodeOcr({ output: steps([1], 0.5), postprocess: RULES })).toMatchObject({
      accepted: false,
      borderline: 1,
    });
    const postprocess = { ...RULES, pattern: '^[A-Z]\\d$' };
    expect(decodeOcr({ output: steps([1, 2]), postprocess })).toMatchObject({ accepted: false, borderline: 1 });
    expect(decodeOcr({ output: steps([1, 3]), postprocess }).accepted).toBe(true);
  });

  it('reads nothing from blanks alone', () => {
    const nothing = { text: '', score: 0, accepted: false, borderline: 0 };
    expect(decodeOcr({ output: steps([0, 0]), postprocess: RULES })).toEqual(nothing);
  });

  it('takes the other axis order and refuses a shape that fits neither', () => {
    const { data } = steps([1, 0, 3]);
    const postprocess = { ...RULES, axes: 'NTC' as const };
    expect(decodeOcr({ output: { data, dims: [1, 3, 4] }, postprocess }).text).toBe('A1');
    expect(() => decodeOcr({ output: { data, dims: [3, 1, 4] }, postprocess })).toThrow(/batch of 1, got \[3,1,4\]/);
  });
});

describe('decodeClassification', () => {
  const labels = [{ name: 'good' }, { name: 'bad' }, { name: 'unsure' }];
  const output = { data: Float32Array.from([0, 2, 1]), dims: [1, 3] };

  it('ranks by softmax', () => {
    const postprocess = { type: 'classification' as const, activation: 'softmax' as const, topK: 2 };
    expect(decodeClassification({ output, postprocess, labels })).toEqual({
      classes: [
        { classId: 1, label: 'bad', score: 0.6652 },
        { classId: 2, label: 'unsure', score: 0.2447 },
      ],
      borderline: 0,
    });
  });

  it('answers nothing below the threshold and calls the frame borderline', () => {
    const postprocess = { type: 'classification' as const, activation: 'sigmoid' as const, topK: 2, threshold: 0.95 };
    expect(decodeClassification({ output, postprocess, labels })).toEqual({ classes: [], borderline: 1 });
  });

  it('refuses another number of classes than labels', () => {
    const postprocess = { type: 'classification' as const, activation: 'none' as const, topK: 2 };
    expect(() => decodeClassification({ output, postprocess, labels: labels.slice(1) })).toThrow(/2 labels needs/);
  });
});

describe('firstNonFinite', () => {
  it('finds the first NaN or infinity, wherever it is, and nothing else', () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    const broken = fc.constantFrom(Number.NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(fc.array(finite), fc.option(broken), fc.array(finite), (before, bad, after) => {
        const data = Float32Array.from([...before, ...(bad === null ? [] : [bad]), ...after]);
        expect(firstNonFinite({ data, dims: [data.length] })).toBe(bad === null ? null : before.length);
      }),
    );
  });
});
