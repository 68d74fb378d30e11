// Text from CTC outputs: the best symbol of each time step, repeats merged, blanks dropped. Pure.
import type { OcrPostprocess } from '../../../shared/release/postprocess.ts';
import { DecodeError, type OutputTensor, roundScore, type TensorData } from './tensor.ts';

export type DecodedText = {
  readonly text: string;
  /** Mean over characters of the best probability each reached; 0 when nothing was read. */
  readonly score: number;
  /** Sure enough, and of the expected pattern. */
  readonly accepted: boolean;
  /** 1 when something was read but not accepted. */
  readonly borderline: number;
};

type Steps = { readonly data: TensorData; readonly count: number; readonly symbols: number };

/** Reads one line. Accepts logits, log-probabilities and probabilities. Throws DecodeError on a wrong shape. */
export function decodeOcr(input: { readonly output: OutputTensor; readonly postprocess: OcrPostprocess }): DecodedText {
  const { postprocess } = input;
  const steps = readSteps(input.output, postprocess);
  const isShares = sumsToOne(steps);
  const symbols: string[] = [];
  const confidences: number[] = [];
  let previous = postprocess.blank;
  for (let step = 0; step < steps.count; step++) {
    const best = bestSymbol(steps, step);
    if (best !== postprocess.blank) {
      const share = isShares ? steps.data[step * steps.symbols + best]! : softmaxAt(steps, step, best);
      if (best === previous) confidences.push(Math.max(share, confidences.pop() ?? 0));
      else {
        symbols.push(postprocess.charset[best] ?? '');
        confidences.push(share);
      }
    }
    previous = best;
  }
  return judge(symbols.join(''), confidences, postprocess);
}

function judge(text: string, confidences: readonly number[], postprocess: OcrPostprocess): DecodedText {
  const score = confidences.length === 0 ? 0 : confidences.reduce((a, b) => a + b, 0) / confidences.length;
  const fits = postprocess.pattern === undefined || new RegExp(postprocess.pattern, 'u').test(text);
  const accepted = text !== '' && score >= postprocess.minConfidence && fits;
  return { text, score: roundScore(score), accepted, borderline: text !== '' && !accepted ? 1 : 0 };
}

/** With one line per run, [T, 1, C] and [1, T, C] lie in memory alike. */
function readSteps(output: OutputTensor, postprocess: OcrPostprocess): Steps {
  const { data, dims } = output;
  const [count = 0, batch] = postprocess.axes === 'TNC' ? dims : [dims[1], dims[0]];
  const symbols = dims[2];
  if (dims.length !== 3 || batch !== 1 || symbols !== postprocess.charset.length)
    throw new DecodeError(
      `ctc-greedy (${postprocess.axes}) with ${postprocess.charset.length} symbols needs them as the last of three dimensions and a batch of 1, got [${dims}]`,
    );
  return { data, count, symbols };
}

function bestSymbol(steps: Steps, step: number): number {
  const from = step * steps.symbols;
  let best = 0;
  for (let c = 1; c < steps.symbols; c++) if (steps.data[from + c]! > steps.data[from + best]!) best = c;
  return best;
}

function softmaxAt(steps: Steps, step: number, symbol: number): number {
  const from = step * steps.symbols;
  const top = steps.data[from + symbol]!;
  let sum = 0;
  for (let c = 0; c < steps.symbols; c++) sum += Math.exp(steps.data[from + c]! - top);
  return 1 / sum;
}

/** Whether the first step is already a distribution; logits would have to conspire to look like one. */
function sumsToOne(steps: Steps): boolean {
  let sum = 0;
  for (let c = 0; c < steps.symbols; c++) {
    if (steps.data[c]! < 0) return false;
    sum += steps.data[c]!;
  }
  return Math.abs(sum - 1) < 1e-3;
}
