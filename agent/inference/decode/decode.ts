// From the outputs of one run to an answer, by the release's manifest. Pure; the runner and the model tools share it.
import type { Answer } from '../../../shared/release/answers.ts';
import type { Manifest } from '../../../shared/release/manifest.ts';
import type { Mask } from '../../../shared/release/mask-runs.ts';
import { frameShapeOf } from '../../frames/input-contract.ts';
import { decodeClassification } from './classification.ts';
import { decodeDetection } from './detection.ts';
import { decodeOcr } from './ocr.ts';
import { decodeSegmentation } from './segmentation.ts';
import { firstNonFinite, type OutputTensor } from './tensor.ts';

/** `borderline` feeds the border share: what the model nearly said, per task. */
export type Decoded = {
  readonly answer: Answer;
  readonly borderline: number;
  /** Pixels of the answered regions, where they were asked for. */
  readonly mask?: Mask;
};

/** `output` is the manifest's first output. Throws DecodeError when its shape does not fit the decoder. */
export function decodeAnswer(manifest: Manifest, output: OutputTensor, withMask = false): Decoded {
  const { postprocess, labels } = manifest;
  const frame = frameShapeOf(manifest.input);
  switch (postprocess.type) {
    case 'detection': {
      const { detections, borderline } = decodeDetection({ output, postprocess, labels, frame });
      return { answer: { task: 'detection', detections }, borderline };
    }
    case 'segmentation': {
      const asked = { output, postprocess, labels, frame, withMask };
      const { detections, ...rest } = decodeSegmentation(asked);
      return { answer: { task: 'segmentation', detections }, ...rest };
    }
    case 'classification': {
      const { classes, borderline } = decodeClassification({ output, postprocess, labels });
      return { answer: { task: 'classification', classes }, borderline };
    }
    case 'ocr': {
      const { borderline, ...text } = decodeOcr({ output, postprocess });
      return { answer: { task: 'ocr', ...text }, borderline };
    }
  }
}

/** Null when the output holds a NaN or an infinity: then there is no answer. */
export function decodeFinite(manifest: Manifest, output: OutputTensor, withMask = false): Decoded | null {
  return firstNonFinite(output) === null ? decodeAnswer(manifest, output, withMask) : null;
}
