// What the preview shows: pixels in the right place and colour, boxes where they belong, the arms told apart, and no
// markup from a model.
import { describe, expect, it } from 'vitest';
import { bitmapOf } from '../../../agent/preview/bitmap.ts';
import { shownAlone, shownPair } from '../../../agent/preview/compare-arms.ts';
import { overlaySvg } from '../../../agent/preview/overlay.ts';
import { pageOf } from '../../../agent/preview/page.ts';
import { RecentAnswers } from '../../../agent/preview/rates.ts';
import type { Answer } from '../../../shared/release/answers.ts';
import type { InputContract } from '../../../shared/release/manifest.ts';
import { readBitmap, rectsOf } from './page-reader.ts';

const CONTRACT: InputContract = {
  name: 'image',
  dtype: 'uint8',
  layout: 'NHWC',
  shape: [1, 2, 3, 3],
  color: 'rgb',
  fit: 'letterbox',
  pad: 114,
  resample: 'linear',
  normalise: 'in-graph',
};

type Found = readonly [label: string, score: number, box: [number, number, number, number]];

function answerOf(...found: readonly Found[]): Answer {
  return { task: 'detection', detections: found.map(([label, score, box]) => ({ classId: 0, label, score, box })) };
}

const ref = (release: string) => ({ release, digest: release });

function pairOf(baseline: Answer, candidate: Answer, labelMap?: Readonly<Record<string, string>>) {
  return shownPair({
    cameraId: 'top',
    baseline: { ref: ref('m:1'), answer: baseline, borderline: 0 },
    candidate: { ref: ref('m:2'), answer: candidate, borderline: 0, ...(labelMap ? { labelMap } : {}) },
  });
}

describe('bitmapOf', () => {
  /** Three pixels wide (rows are padded), two high: every pixel tells its place. */
  const colourAt = (x: number, y: number): [number, number, number] => [10 + x, 100 + y, 200 + x + 10 * y];
  const places = [0, 1].flatMap((y) => [0, 1, 2].map((x) => [x, y] as const));

  it.each([
    ['NHWC', 'rgb'],
    ['NHWC', 'bgr'],
    ['NCHW', 'rgb'],
    ['NCHW', 'bgr'],
  ] as const)('shows every pixel of a %s %s frame in its place and colour', (layout, color) => {
    const placeOf = (x: number, y: number, channel: number) =>
      layout === 'NHWC' ? (y * 3 + x) * 3 + channel : channel * 6 + y * 3 + x;
    const frame = new Uint8Array(18);
    for (const [x, y] of places) {
      const values = color === 'rgb' ? colourAt(x, y) : colourAt(x, y).toReversed();
      for (const [channel, value] of values.entries()) frame[placeOf(x, y, channel)] = value;
    }
    const shape = layout === 'NHWC' ? [1, 2, 3, 3] : [1, 3, 2, 3];
    const bitmap = readBitmap(bitmapOf(frame, { ...CONTRACT, layout, color, shape }));
    expect([bitmap.width, bitmap.height]).toEqual([3, 2]);
    for (const [x, y] of places) expect(bitmap.pixel(x, y)).toEqual(colourAt(x, y));
  });

  it('shows grey frames as grey', () => {
    const frame = Uint8Array.from([0, 50, 100, 150, 200, 250]);
    const bitmap = readBitmap(bitmapOf(frame, { ...CONTRACT, color: 'gray', shape: [1, 2, 3, 1] }));
    expect(places.map(([x, y]) => bitmap.pixel(x, y)[0])).toEqual([...frame]);
    expect(bitmap.pixel(1, 1)).toEqual([200, 200, 200]);
  });
});

describe('shownPair', () => {
  it('disputes what only one release has found, or found under another name', () => {
    const baseline = answerOf(['dent', 0.9, [10, 10, 20, 20]], ['scratch', 0.8, [50, 50, 10, 10]]);
    const candidate = answerOf(['dent', 0.7, [12, 11, 20, 20]], ['crack', 0.8, [50, 50, 10, 10]]);
    const disputed = pairOf(baseline, candidate).map(({ objects }) => objects.map((object) => object.isDisputed));
    expect(disputed).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  it('knows the new names of old classes', () => {
    const arms = pairOf(answerOf(['dent', 1, [0, 0, 9, 9]]), answerOf(['ding', 1, [0, 0, 9, 9]]), { ding: 'dent' });
    expect(arms.flatMap(({ objects }) => objects.map(({ label, isDisputed }) => [label, isDisputed]))).toEqual([
      ['dent', false],
      ['ding', false],
    ]);
  });

  it('compares texts', () => {
    const text = (read: string): Answer => ({ task: 'ocr', text: read, score: 0.9, accepted: true });
    const [baseline, candidate] = pairOf(text('LOT-1'), text('LOT-7'));
    expect([baseline?.objects[0]?.isDisputed, candidate?.objects[0]?.isDisputed]).toEqual([true, true]);
  });
});

describe('overlaySvg', () => {
  it('draws boxes in pixels of the frame, each arm in its class, and marks what is disputed', () => {
    const arms = pairOf(answerOf(['dent', 0.876, [10.04, 20, 30, 40.55]]), answerOf());
    const svg = overlaySvg(arms, { width: 320, height: 240 });
    expect(svg).toContain('viewBox="0 0 320 240"');
    expect(rectsOf(svg)).toEqual([{ x: 10, y: 20, width: 30, height: 40.6 }]);
    expect(svg).toContain('<g class="baseline disputed">');
    expect(svg).toContain('≠ dent 88 %');
  });

  it('lets no label be markup, and no broken number be an attribute', () => {
    const evil = '<script>alert("1")</script>';
    const arms = shownAlone('baseline', 'm:1', answerOf([evil, 1, [Number.NaN, 0, 1, 1]]));
    const svg = overlaySvg(arms, { width: 10, height: 10 });
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
    expect(svg).not.toContain('NaN');
  });
});

describe('pageOf', () => {
  const facts = {
    title: 'plant-1/press-1-a',
    nowMs: 2500,
    phase: 'baseline' as const,
    serving: null,
    because: 'the baseline is being loaded',
    candidate: null,
    committed: 'm:1',
    sensors: '61.0 °C',
    troubles: [],
    cameras: [],
  };

  it('says who answers, or that nobody does', () => {
    expect(pageOf(facts)).toContain(
      '<dt>Answers</dt><dd>nobody</dd><dt>Because</dt><dd>the baseline is being loaded</dd>',
    );
    expect(pageOf({ ...facts, troubles: ['kill k-1: "fumes" <now>'] })).toContain(
      'kill k-1: &quot;fumes&quot; &lt;now&gt;',
    );
  });

  it('needs no script and nothing from elsewhere', () => {
    const page = pageOf(facts);
    expect(page).toContain('<noscript><meta http-equiv="refresh" content="2"></noscript>');
    expect([...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url)).toEqual([
      '/preview.css',
      '/preview.js',
    ]);
  });

  it('shows answers without a place as text, with the camera that they came from', () => {
    const answer: Answer = { task: 'ocr', text: 'LOT-2231', score: 0.93, accepted: true };
    const picture = {
      ...{ cameraId: 'top', id: 7, requestId: 'a/top/b-1', capturedAtMs: 1000, contract: CONTRACT, isPair: false },
      ...{ frame: new Uint8Array(18), arms: shownAlone('candidate', 'ocr:2', answer) },
    };
    const rates = { fps: 7.96, latencyMsP50: 12.3, latencyMsP95: 40.1 };
    const page = pageOf({ ...facts, cameras: [{ cameraId: 'top', isLost: false, isHealthy: true, rates, picture }] });
    expect(page).toContain('<td>LOT-2231</td><td>93 %</td><td>whole frame</td>');
    expect(page).toContain('<img src="/frames/top/7.bmp" width="3" height="2"');
    expect(page).toContain('8.0 answers a second, half within 12.3 ms, 95 % within 40.1 ms');
    expect(page).toContain('1.5 s old');
    expect(page).toContain('<li class="candidate">candidate: ocr:2</li>');
  });
});

describe('RecentAnswers', () => {
  it('says how many answers a second, and how long they took', () => {
    const recent = new RecentAnswers();
    for (let at = 0; at <= 1000; at += 100) recent.add({ atMs: at, latencyMs: at / 100 });
    expect(recent.rates(1000)).toEqual({ fps: 10, latencyMsP50: 5, latencyMsP95: 10 });
  });

  it('slows down with a camera that stops, and is silent ten seconds later', () => {
    const recent = new RecentAnswers();
    for (let at = 0; at <= 1000; at += 100) recent.add({ atMs: at, latencyMs: 1 });
    expect(recent.rates(5100)?.fps).toBeCloseTo(2, 0);
    expect(recent.rates(12_000)).toBeNull();
  });
});
