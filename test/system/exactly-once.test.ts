// Windows and events are counted once each, whatever dies in between: what the control plane has stored is compared with what
// the device itself has answered on its standard output.
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerRecord } from '../../agent/sinks/answer-record.ts';
import { until } from '../../scripts/fleet/fleet.ts';
import { parseJson } from '../../shared/basics/parsing.ts';
import { type Window, windowSchema } from '../../shared/measure/window.ts';
import { crashAgent, DEADLINE_MS, openWorld, type World } from './world.ts';

const DEVICES = ['cam-a1', 'cam-b1'] as const;
/** Camera clock against window clock: both are the device's own, read a moment apart. */
const CLOCK_SLACK_MS = 60;

type Row = { readonly boot: string; readonly seq: number; readonly kind: string; readonly document: string };

let world: World;

beforeAll(async () => {
  world = await openWorld({ devices: ['plant-a/cam-a1', 'plant-b/cam-b1'] });
});

afterAll(() => world?.close());

describe('telemetry over an outage of the control plane', () => {
  it('arrives once, whole, and adds up to what the device has answered', async () => {
    await stored('cam-a1', 3);
    await world.crashControlPlane();
    await answered('cam-a1', 15);
    // What is in its spool outlives the agent; the window that was open does not.
    await crashAgent(world.agent('cam-b1'));
    world.fleet.restartAgent('cam-b1');
    await answered('cam-b1', 10);
    await world.fleet.restartControlPlane();
    await caughtUp();
    // And in the middle of catching up or of a commit.
    await world.crashControlPlane();
    await world.fleet.restartControlPlane();
    await caughtUp();
    for (const device of DEVICES) expectExactlyOnce(device);
    expect(new Set(rowsOf('cam-b1').map((row) => row.boot)).size).toBe(2);
  });
});

function expectExactlyOnce(device: string): void {
  const rows = rowsOf(device);
  for (const boot of new Set(rows.map((row) => row.boot))) {
    const ofBoot = rows.filter((row) => row.boot === boot);
    const sequence = ofBoot.map((row) => row.seq).toSorted((a, b) => a - b);
    // Windows and events share one sequence: no number twice, none left out.
    expect(sequence).toEqual(Array.from({ length: sequence.length }, (_, index) => index + 1));
    const windows = ofBoot.filter((row) => row.kind === 'window').map((row) => windowOf(row.document));
    expectSameFrames(windows, answersOf(device, boot));
  }
}

/** The stored windows hold the first n answers of that boot, where n-th and next lie on either side of the last one's end. */
function expectSameFrames(windows: readonly Window[], answers: readonly AnswerRecord[]): void {
  const counted = windows.flatMap((window) => window.arms).reduce((sum, arm) => sum + arm.answered, 0);
  const processed = windows.flatMap((window) => window.cameras).reduce((sum, camera) => sum + camera.processed, 0);
  const endAtMs = Math.max(...windows.map((window) => window.endAtMs));
  expect(counted).toBeGreaterThan(5);
  expect(processed).toBe(counted);
  expect(answers.length).toBeGreaterThanOrEqual(counted);
  expect(answers[counted - 1]?.answered_at_ms).toBeLessThanOrEqual(endAtMs + CLOCK_SLACK_MS);
  const next = answers[counted];
  if (next) expect(next.answered_at_ms).toBeGreaterThanOrEqual(endAtMs - CLOCK_SLACK_MS);
}

function windowOf(document: string): Window {
  const parsed = parseJson(windowSchema, document);
  if (!parsed.ok) throw new Error('a stored window cannot be read');
  return parsed.value;
}

/** `<device>/<camera>/<boot, 6 characters>-<sequence>` */
function answersOf(device: string, boot: string): readonly AnswerRecord[] {
  return world.answers(device).filter((answer) => answer.request_id.includes(`/${boot.slice(0, 6)}-`));
}

function rowsOf(device: string): readonly Row[] {
  const database = new Database(path.join(world.folder, 'control-plane/belay.db'), { readonly: true, timeout: 5000 });
  try {
    return database
      .prepare(
        `select boot, seq, 'window' as kind, document from windows where device = @device
         union all select boot, seq, kind, document from events where device = @device`,
      )
      .all({ device }) as Row[];
  } finally {
    database.close();
  }
}

/** Everything that every device had to tell when this was called is stored: a later window of it has come. */
async function caughtUp(): Promise<void> {
  const fromMs = Date.now();
  for (const device of DEVICES) {
    const isThere = () =>
      rowsOf(device).some((row) => row.kind === 'window' && windowOf(row.document).startAtMs >= fromMs) &&
      isGapless(device);
    expect(await until(isThere, DEADLINE_MS), `${device} has caught up: ${gaps(device)}`).toBe(true);
  }
}

function isGapless(device: string): boolean {
  return gaps(device) === '';
}

function gaps(device: string): string {
  const rows = rowsOf(device);
  return [...new Set(rows.map((row) => row.boot))]
    .filter((boot) => {
      const sequence = rows.filter((row) => row.boot === boot).map((row) => row.seq);
      return Math.max(...sequence) !== sequence.length;
    })
    .join(', ');
}

async function stored(device: string, count: number): Promise<void> {
  const isThere = () => rowsOf(device).filter((row) => row.kind === 'window').length >= count;
  expect(await until(isThere, DEADLINE_MS)).toBe(true);
}

async function answered(device: string, count: number): Promise<void> {
  const wanted = world.answers(device).length + count;
  expect(await until(() => world.answers(device).length >= wanted, DEADLINE_MS)).toBe(true);
}
