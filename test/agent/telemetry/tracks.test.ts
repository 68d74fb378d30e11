// Following detections over frames: flicker, the motion of the line, and what stays in place.
import { describe, expect, it } from 'vitest';
import type { Box } from '../../../agent/telemetry/found-objects.ts';
import { followFrame, NO_TRACKS, type TrackCounts, type TrackedBox } from '../../../agent/telemetry/tracks.ts';

const FRAME_MS = 66;

type Sum = { -readonly [K in keyof TrackCounts]: number };

/** Adds up the counts of frames 66 ms apart. */
function follow(frames: readonly (readonly TrackedBox[])[], frameMs = FRAME_MS): Sum {
  const sum: Sum = { flickers: 0, trackFrames: 0, staticDetections: 0, trackedDetections: 0 };
  let state = NO_TRACKS;
  frames.forEach((boxes, index) => {
    const step = followFrame(state, boxes, 1000 + index * frameMs);
    state = step.state;
    for (const key of Object.keys(sum) as (keyof Sum)[]) sum[key] += step.counts[key];
  });
  return sum;
}

const at = (x: number, label = 'dent', y = 80): TrackedBox => ({ label, box: [x, y, 24, 20] as Box });
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
/** Marks the extent of the picture, so that the edge is known. */
const CORNER: TrackedBox = { label: 'corner', box: [250, 250, 6, 6] };

describe('following detections', () => {
  it('counts every detection as a frame of a track, and a steady one as no flicker', () => {
    expect(follow(times(20, () => [at(100)]))).toMatchObject({ trackFrames: 20, flickers: 0 });
  });

  it('counts what lives one or two frames as flicker', () => {
    const frames = times(12, (i) => (i % 4 < 2 ? [CORNER, at(100)] : [CORNER]));
    expect(follow(frames).flickers).toBe(3);
  });

  it('does not count what lives three frames', () => {
    const frames = times(12, (i) => (i % 4 < 3 ? [CORNER, at(100)] : [CORNER]));
    expect(follow(frames).flickers).toBe(0);
  });

  it('links a part to where the line has carried it, even when it does not overlap itself', () => {
    // 30 px a frame with boxes 24 px wide: without the motion of the line every frame would be a new track.
    const lane = times(60, (i) => [CORNER, at((i * 30) % 240)]);
    const { flickers, trackFrames } = follow(lane);
    expect(trackFrames).toBe(120);
    expect(flickers).toBeLessThanOrEqual(6);
  });

  it('does not count as flicker what leaves the picture', () => {
    const warmUp = times(12, (i) => [CORNER, at(i * 8)]);
    const leaving = [[CORNER, at(228)], [CORNER, at(236)], [CORNER], [CORNER]];
    expect(follow([...warmUp, ...leaving]).flickers).toBe(0);
  });

  it('begins afresh after a pause, and when the clock goes back', () => {
    expect(follow([[CORNER, at(100)], [CORNER]], 5000).flickers).toBe(0);
    expect(follow([[CORNER, at(100)], [CORNER]], -10).flickers).toBe(0);
  });
});

describe('static detections', () => {
  const moving = (i: number) => at((i * 8) % 220, 'dent', 40);

  it('are those that stay while the line moves', () => {
    const { staticDetections, trackedDetections } = follow(times(60, (i) => [moving(i), at(100, 'spill', 150)]));
    expect(staticDetections / trackedDetections).toBeGreaterThan(0.4);
    expect(staticDetections / trackedDetections).toBeLessThan(0.7);
  });

  it('are none when everything moves with the line', () => {
    const { staticDetections, trackedDetections } = follow(
      times(60, (i) => [moving(i), at((i * 8 + 90) % 220, 'spill')]),
    );
    expect(trackedDetections).toBeGreaterThan(50);
    expect(staticDetections).toBe(0);
  });

  it('cannot be told from parts on a line that stands still: that is no evidence, not a finding', () => {
    const trembling = times(60, (i) => [at(100 + (i % 2)), at(30 + (i % 3) / 2, 'spill')]);
    expect(follow(trembling)).toMatchObject({ staticDetections: 0, trackedDetections: 0 });
  });

  it('are not claimed when things move in all directions', () => {
    const places = [10, 90, 160, 40, 130, 70, 180, 20, 110, 150];
    const scattered = times(60, (i) => [
      at(places[(i * 3) % 10] ?? 0, 'dent', places[(i * 7) % 10]),
      at(100, 'spill', 150),
    ]);
    expect(follow(scattered).staticDetections).toBe(0);
  });
});
