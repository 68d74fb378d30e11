// The source: one process per camera. Reads pictures at the camera's pace, makes them model-ready for every contract,
// writes them into the rings and sends a token. Everything a picture can crash happens here. Run by camera.ts.
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../../shared/basics/errors.ts';
import { describeProblems } from '../../shared/basics/parsing.ts';
import { type CameraSource, isLive, SourceError } from './camera-source.ts';
import { type FrameWriter, openFrameWriter } from './frame-writer.ts';
import { giveBack } from './give-back.ts';
import { HEALTH_SIDE_PX, judgePicture } from './health.ts';
import { playCamera } from './live-camera.ts';
import { openLiveCamera } from './live-cameras.ts';
import { openParentLink } from './parent-link.ts';
import { openPictureSource, type PictureSource } from './picture-source.ts';
import { openPicture, type Picture, restrainImageLibrary } from './preprocess.ts';
import { decodeToSource, encodeFromSource, type FromSource, type SourceHello } from './source-protocol.ts';
import { Unchanged } from './unchanged.ts';

type Send = (message: FromSource) => void;

const REPORT_MS = 1000;

/** More likely to be taken than the supervisor when memory runs out, less than any model. */
const OOM_SCORE = '100';

function runSource(): void {
  restrainImageLibrary();
  volunteerForOutOfMemory();
  let writer: FrameWriter | null = null;
  const send: Send = (message) => link.send(encodeFromSource(message));
  const finish = (): void => {
    if (writer) send(writer.counts());
    link.finish();
  };

  const start = async (hello: SourceHello): Promise<void> => {
    try {
      writer = openFrameWriter(hello, send);
      setInterval(() => writer && send(writer.counts()), REPORT_MS);
      await playSource(hello.source, writer, send);
      send(writer.counts());
      send({ type: 'ended' });
    } catch (error) {
      const isStall = error instanceof SourceError && error.code === 'stalled';
      const reason = isStall ? 'stalled' : 'source-unreadable';
      send({ type: 'fault', reason, detail: describeError(error).slice(0, 2000) });
      finish();
    }
  };

  const link = openParentLink((message) => {
    const parsed = decodeToSource(message);
    if (!parsed.ok) throw new TypeError(`a message of the supervisor: ${describeProblems(parsed.problems)}`);
    const said = parsed.value;
    if (said.type === 'hello') void start(said);
    else if (said.type === 'release') writer?.release(said.slot);
    else if (said.type === 'rings') void writer?.setRings(said);
    else finish();
  });
}

/** Resolves at the end of a source that has one. */
async function playSource(source: CameraSource, writer: FrameWriter, send: Send): Promise<void> {
  if (isLive(source)) {
    const unchanged = new Unchanged();
    const judge = (picture: Picture) => reportHealth(picture, send, unchanged);
    await playCamera(openLiveCamera(source), writer, { fps: source.fps, judge, judgeEveryMs: REPORT_MS });
    return;
  }
  const pictures = await openPictureSource(source);
  if (source.kind === 'golden') await playOnce(pictures, writer);
  else await playPaced(pictures, writer, { send, intervalMs: 1000 / source.fps });
}

/** Lockstep: waits for a slot instead of dropping, so that every picture is delivered once. */
async function playOnce(pictures: PictureSource, writer: FrameWriter): Promise<void> {
  for (let position = 0; position < (pictures.count ?? 0); position++) {
    await writer.slotFree();
    await writer.capture(() => pictures.read(position));
  }
}

/** The camera's pace, never the reader's: what cannot be kept up with is skipped and counted. */
async function playPaced(
  pictures: PictureSource,
  writer: FrameWriter,
  pace: { readonly send: Send; readonly intervalMs: number },
): Promise<never> {
  let dueAt = performance.now();
  let judgedAt = Number.NEGATIVE_INFINITY;
  for (let position = 0; ; position++) {
    const late = Math.floor((performance.now() - dueAt) / pace.intervalMs);
    if (late > 0) {
      writer.skip(late);
      position += late;
      dueAt += late * pace.intervalMs;
    }
    const isJudgementDue = performance.now() - judgedAt >= REPORT_MS;
    if (isJudgementDue) judgedAt = performance.now();
    const captured = await writer.capture(() => pictures.read(position), { always: isJudgementDue });
    if (isJudgementDue && captured) await reportHealth(captured, pace.send);
    if (captured) giveBack(captured.bytes);
    dueAt += pace.intervalMs;
    await delay(Math.max(0, dueAt - performance.now()));
  }
}

async function reportHealth(picture: Picture, send: Send, unchanged?: Unchanged): Promise<void> {
  const unchangedMs = unchanged?.look(picture.bytes, performance.now());
  try {
    const { data, info } = await openPicture(picture)
      .resize({ width: HEALTH_SIDE_PX, height: HEALTH_SIDE_PX, fit: 'inside', withoutEnlargement: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) return;
    const health = judgePicture(data, info.width, info.height);
    send({ type: 'health', health: unchangedMs === undefined ? health : { ...health, unchangedMs } });
  } catch {
    // A broken picture has no health; capturing it was counted as unreadable.
  }
}

function volunteerForOutOfMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', OOM_SCORE);
  } catch {
    // A locked-down container refuses; then the kernel's own choice stands.
  }
}

runSource();
