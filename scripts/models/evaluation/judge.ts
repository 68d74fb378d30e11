// Runs a release over labelled samples and scores its answers with the decoders that devices use. One report shape for
// every task: manifest metrics, findings for paired comparison, and the time a frame takes.
import { decodeAnswer } from '../../../agent/inference/decode/decode.ts';
import { type Answer, type Detection, detectionsOf } from '../../../shared/release/answers.ts';
import type { Manifest, MetricValue } from '../../../shared/release/manifest.ts';
import { scoreDetections, type Truth } from './detection-metrics.ts';
import type { ModelRun } from './model-session.ts';
import { openModelSession } from './model-session.ts';
import { type JudgedMask, scoreMasks } from './segmentation-metrics.ts';
import { scoreTexts } from './text-metrics.ts';

/** `mask` is needed for segmenters, `text` for readers. */
export type Sample = {
  readonly picture: Uint8Array;
  readonly truths: readonly Truth[];
  readonly mask?: Uint8Array;
  readonly text?: string;
};

export type Judgement = {
  readonly metrics: readonly MetricValue[];
  readonly answers: readonly Answer[];
  /** Per sample, everything above the border floor; for paired evidence. Detectors only. */
  readonly findings: readonly (readonly Detection[])[];
  readonly runMsP50: number;
};

/** Average precision needs the curve well below the deployed threshold. */
const SCORE_FLOOR = 0.05;

export async function judgeRelease(
  manifest: Manifest,
  model: Uint8Array,
  samples: readonly Sample[],
): Promise<Judgement> {
  const session = await openModelSession(model, manifest.input);
  try {
    const runs: ModelRun[] = [];
    for (const sample of samples) runs.push(await session.run(sample.picture));
    const answers = runs.map((run) => decodeAnswer(manifest, run.output).answer);
    const findings = runs.map((run) => detectionsOf(decodeAnswer(withScoreFloor(manifest), run.output).answer));
    const times = runs.map((run) => run.runMs).toSorted((a, b) => a - b);
    const metrics = metricsOf(manifest, { samples, answers, findings, runs });
    return { metrics, answers, findings, runMsP50: times[Math.floor(times.length / 2)] ?? 0 };
  } finally {
    await session.close();
  }
}

function withScoreFloor(manifest: Manifest): Manifest {
  const { postprocess } = manifest;
  return postprocess.type === 'detection'
    ? { ...manifest, postprocess: { ...postprocess, score: SCORE_FLOOR } }
    : manifest;
}

type Judged = {
  readonly samples: readonly Sample[];
  readonly answers: readonly Answer[];
  readonly findings: readonly (readonly Detection[])[];
  readonly runs: readonly ModelRun[];
};

function metricsOf(manifest: Manifest, judged: Judged): MetricValue[] {
  switch (manifest.postprocess.type) {
    case 'detection':
      return detectionMetrics(manifest, judged, manifest.postprocess.score);
    case 'segmentation':
      return segmentationMetrics(manifest, judged);
    case 'ocr':
      return textMetrics(judged);
    case 'classification':
      throw new TypeError('the factory makes no classifiers');
  }
}

function detectionMetrics(manifest: Manifest, judged: Judged, scoreMin: number): MetricValue[] {
  const labels = manifest.labels.map((label) => label.name);
  const frames = judged.samples.map((sample, i) => ({ truths: sample.truths, found: judged.findings[i] ?? [] }));
  const score = scoreDetections(frames, { labels, scoreMin });
  return [
    { metric: 'map50', value: rounded(score.map50), count: score.truths },
    { metric: 'precision', value: rounded(score.precision), count: score.truths },
    { metric: 'recall', value: rounded(score.recall), count: score.truths },
    { metric: 'false-positives-per-1k', value: rounded(score.falseAlarmsPer1k), count: frames.length },
    ...score.classes.flatMap(({ label, ap50, precision, recall, truths }): MetricValue[] => [
      { metric: 'ap50', class: label, value: rounded(ap50), count: truths },
      { metric: 'precision', class: label, value: rounded(precision), count: truths },
      { metric: 'recall', class: label, value: rounded(recall), count: truths },
    ]),
    smallCrackRecall(score.smallCracks),
  ];
}

function segmentationMetrics(manifest: Manifest, judged: Judged): MetricValue[] {
  const labels = manifest.labels.map((label) => label.name);
  const widthPx = manifest.input.shape[2] ?? 0;
  const score = scoreMasks(
    judged.samples.map((sample, i) => maskOf(sample, judged, i)),
    { labels, widthPx },
  );
  const frames = judged.samples.length;
  const defects = score.classes.slice(1);
  const truths = defects.reduce((sum, one) => sum + one.truths, 0);
  const hits = defects.reduce((sum, one) => sum + one.recall * one.truths, 0);
  const metrics: MetricValue[] = [
    { metric: 'miou', value: rounded(score.meanIou), count: frames },
    { metric: 'recall', value: rounded(hits / truths), count: truths },
    { metric: 'false-positives-per-1k', value: rounded(score.falseAlarmsPer1k), count: frames },
    ...defects.flatMap(({ label, iou, recall, truths: count }): MetricValue[] => [
      { metric: 'iou', class: label, value: rounded(iou), count },
      { metric: 'recall', class: label, value: rounded(recall), count },
    ]),
    smallCrackRecall(score.smallCracks),
  ];
  const hasMasks = judged.samples.every((sample) => sample.mask !== undefined);
  return hasMasks ? metrics : metrics.filter((one) => one.metric !== 'miou' && one.metric !== 'iou');
}

const NO_MASK = new Uint8Array(0);

function maskOf(sample: Sample, judged: Judged, i: number): JudgedMask {
  const run = judged.runs[i];
  const answer = judged.answers[i];
  if (run === undefined || answer === undefined) throw new RangeError(`no run for sample ${i}`);
  const { truths, mask: truthMask = NO_MASK } = sample;
  const classOf = truthMask === NO_MASK ? NO_MASK : bestClassPerPixel(run.output);
  return { classOf, accepted: detectionsOf(answer), truthMask, truths };
}

/** Arg-max over the channels of [1, classes, H, W]. */
function bestClassPerPixel(output: ModelRun['output']): Uint8Array {
  const { data, dims } = output;
  const [, channels = 0, height = 0, width = 0] = dims;
  const plane = height * width;
  const classOf = new Uint8Array(plane);
  for (let c = 1; c < channels; c++) {
    for (let i = 0; i < plane; i++) if (data[c * plane + i]! > data[classOf[i]! * plane + i]!) classOf[i] = c;
  }
  return classOf;
}

function textMetrics(judged: Judged): MetricValue[] {
  const read = judged.answers.map((answer) => (answer.task === 'ocr' ? answer.text : ''));
  const score = scoreTexts(read.map((text, i) => ({ read: text, truth: judged.samples[i]?.text ?? '' })));
  return [
    { metric: 'cer', value: rounded(score.characterErrorRate), count: score.texts },
    { metric: 'exact', value: rounded(score.exact), count: score.texts },
  ];
}

function smallCrackRecall(score: { recall: number; truths: number }): MetricValue {
  return { metric: 'recall', class: 'micro-crack', size: 'small', value: rounded(score.recall), count: score.truths };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
