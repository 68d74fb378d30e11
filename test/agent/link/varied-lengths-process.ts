// A process of its own with one session to the broker of the test: sends messages of many lengths while other small Buffers
// come and go, as in an agent, and says what stays. Arguments: URL of the broker, how many lengths.

import { Session } from '../../../agent/link/session.ts';
import { keepNoSharedBlocks } from '../../../agent/small-memory.ts';
import { deviceTopic } from '../../../shared/protocol/topics.ts';

const ADDRESS = { site: 'plant-a', device: 'cam-01' };
const SHORTEST = 500;
const PASSING_BYTES = 1024;
/** More than a shared block of 64 KB. */
const PASSING_BUFFERS = 80;

const [url = '', lengths = ''] = process.argv.slice(2);
keepNoSharedBlocks();
const before = kept();
const ready = Promise.withResolvers<void>();
const session = new Session({
  url,
  address: ADDRESS,
  password: 'secret',
  boot: 'boot-0001',
  timing: { graceMs: 10, connectTimeoutMs: 5000, publishTimeoutMs: 5000, keepaliveS: 30 },
  onMessage: () => undefined,
  onReady: ready.resolve,
  onClosed: (reason) => ready.reject(new Error(reason)),
});
await ready.promise;
for (let n = 0; n < Number(lengths); n += 1) {
  await session.publish(deviceTopic(ADDRESS, 'answers'), 'x'.repeat(SHORTEST + n), { qos: 1, retain: false });
  for (let passing = 0; passing < PASSING_BUFFERS; passing += 1) Buffer.allocUnsafe(PASSING_BYTES).fill(0);
}
const after = kept();
process.stdout.write(
  JSON.stringify({ buffers: after.arrayBuffers - before.arrayBuffers, objects: after.heapUsed - before.heapUsed }),
);
await session.leave();
process.exit(0);

function kept(): NodeJS.MemoryUsage {
  // What the first collection frees is given back beside this thread; the second one waits for that.
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage();
}
