// How little memory the agent's own processes may take, for a box that is left alone for years. Process-wide settings:
// only a process entry point or whoever starts one may use them.

/**
 * V8 sizes its heaps for a server: without the first flag and the bounds, garbage of hours is kept before it is looked for. Each process lives on
 * less than 30 MB of objects and makes little garbage per frame; one that needs ten times that has a leak, and is better
 * ended and started again. It is collected by the thread that makes it: four helpers of each process would take the processor
 * from the model, several times per frame.
 */
const SMALL_HEAP: readonly string[] = [
  '--optimize-for-size',
  '--single-threaded-gc',
  '--max-semi-space-size=2',
  '--max-old-space-size=256',
];

/**
 * Flags of Node for the supervisor. Its code is not compiled: it waits for others most of the time, and every compiler goes on
 * taking memory for as many changes of release as it takes until the last path has been walked often enough.
 */
export const LEAN_SUPERVISOR: readonly string[] = [...SMALL_HEAP, '--max-opt=0'];

/** Flags of Node for sources and what else touches pixels: compiled plainly, as they do one thing over and over. */
export const LEAN_PROCESS: readonly string[] = [...SMALL_HEAP, '--max-opt=1'];

/** Flags of Node for runners: they look through thousands of boxes per frame, which the quick one of those compilers is for. */
export const LEAN_RUNNER: readonly string[] = [...SMALL_HEAP, '--max-opt=2'];

/**
 * For the environment of every process: one heap of the C library for all of its threads, which seldom allocate at the same
 * time. With one for each, the memory that a thread has once used stays with it: 9 MB in an hour of releases that come and go.
 */
export const ONE_ARENA: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };

/**
 * Gives each small Buffer memory of its own instead of a piece of a block of 64 KB that lives as long as any piece of it.
 * The MQTT library keeps a Buffer of some bytes for each length of a message that it has ever written, up to 16,384 of them:
 * with shared blocks that grows to 1 GB.
 */
export function keepNoSharedBlocks(): void {
  Buffer.poolSize = 0;
}
