// The fault that the release of a drill declares of itself: slow, dead, or blind in its proof. Only here does a model of ours
// do wrong on purpose; it ends by itself, and it is refused as a baseline and when its drill is long over.
import type { DeclaredFault } from '../../shared/release/drill.ts';
import type { Manifest } from '../../shared/release/manifest.ts';

export type Fault = {
  /** Before frame number `frame` is run on `input`. */
  before(frame: number, input: Uint8Array): void;
  /** After it was run; resolves when it may be told. */
  after(startedAtMs: number): Promise<void>;
};

/** Above every limit on pace that a game day sets, and still quick enough to answer. */
const SLOW_TIMES = 4;
const SLOW_MS_MIN = 60;
/** Live frames that are answered well before the crash. */
const FRAMES_BEFORE_CRASH = 10;
/** A clock that is set wrong must not stop a drill; a forgotten one is refused. */
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

const NO_FAULT: Fault = { before: () => undefined, after: async () => undefined };

/** The manifest for a runner on live frames, or in the proof: a bad golden set shows in the proof alone, the others live alone. */
export function withFaultFor(where: 'proof' | 'live', manifest: Manifest): Manifest {
  if (manifest.drill === undefined) return manifest;
  const isHere = (manifest.drill.failure === 'bad-golden') === (where === 'proof');
  const { drill: _, ...sound } = manifest;
  return isHere ? manifest : sound;
}

/** Why a runner must not even load it; null: it may. */
export function whyNoDrill({ drill, provenance }: Manifest, role: string, wallMs: number): string | null {
  if (drill === undefined) return null;
  if (role === 'baseline') return 'it was made for a drill and is never a baseline';
  const isForgotten = wallMs - provenance.createdAtMs > FORGOTTEN_AFTER_MS;
  return isForgotten ? 'it was made for a drill that is long over' : null;
}

/** `die` ends this process at once, as a crash of the model would. */
export function openFault(manifest: Manifest, die: () => void): Fault {
  const { drill, warmup } = manifest;
  if (drill === undefined) return NO_FAULT;
  let endsAtMs = Number.POSITIVE_INFINITY;
  return {
    before(frame, input) {
      if (frame === warmup.runs) endsAtMs = performance.now() + drill.forMs;
      const crashes = drill.failure === 'crash' && frame >= warmup.runs + FRAMES_BEFORE_CRASH;
      if (crashes || performance.now() > endsAtMs) die();
      if (drill.failure === 'bad-golden') input.fill(0);
    },
    after: (startedAtMs) => waitAfter(drill, performance.now() - startedAtMs),
  };
}

async function waitAfter({ failure }: DeclaredFault, ranMs: number): Promise<void> {
  if (failure !== 'slow') return;
  const waitMs = Math.max(SLOW_MS_MIN, (SLOW_TIMES - 1) * ranMs);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}
