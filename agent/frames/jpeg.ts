// Frames of rings as JPEGs, made in a process of their own that lives no longer than that. Nobody in the agent waits for it
// but whoever asked; one that hangs is killed.
import { fileURLToPath } from 'node:url';
import type { InputContract } from '../../shared/release/manifest.ts';
import { LEAN_PROCESS } from '../small-memory.ts';
import type { RoomLog } from './child-log.ts';
import { childEnvironment, openChild } from './child-process.ts';
import { encodeBinary, encodeJson, type Message } from './framing.ts';
import { PIECE_BYTES } from './jpeg-protocol.ts';

export type RawFrame = { readonly contract: InputContract; readonly bytes: Uint8Array };

export type JpegOptions = { readonly bytesMax: number; readonly log: RoomLog };

const JPEG_PROCESS = fileURLToPath(new URL('./jpeg-process.ts', import.meta.url));
/** Starting it takes a second at the lowest priority, a picture 50 ms; on a busy core many times that. */
const PATIENCE_MS = 20_000;
const NICE = 19;

/** In the order of the frames; null: no JPEG could be made of it. Never rejects. */
export async function jpegsOf(frames: readonly RawFrame[], options: JpegOptions): Promise<readonly (Buffer | null)[]> {
  if (frames.length === 0) return [];
  const { bytesMax, log } = options;
  const made: (Buffer | null)[] = [];
  const done = Promise.withResolvers<void>();
  const child = openChild({
    command: [process.execPath, ...LEAN_PROCESS, JPEG_PROCESS],
    env: childEnvironment(process.env),
    nice: NICE,
    log,
    fields: { for: 'pictures' },
    onMessage: (message: Message) => {
      made.push(message.kind === 'binary' ? Buffer.from(message.bytes) : null);
      if (message.kind === 'json') log.warn({ fault: message.value.fault }, 'a picture could not be made');
      if (made.length === frames.length) done.resolve();
    },
    onViolation: (detail) => log.warn({ detail }, 'the process that makes pictures broke its protocol'),
    onExit: () => done.resolve(),
  });
  for (const { contract, bytes } of frames) {
    child.send(encodeJson({ contract, frameBytes: bytes.byteLength, bytesMax }));
    for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
      child.send(encodeBinary(bytes.subarray(at, at + PIECE_BYTES)));
  }
  const timer = setTimeout(done.resolve, PATIENCE_MS);
  await done.promise;
  clearTimeout(timer);
  await child.kill();
  return frames.map((_, at) => made[at] ?? null);
}
