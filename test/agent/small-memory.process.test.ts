// What the MQTT library keeps of the messages that a device has sent: for years it must stay next to nothing.
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPlainBroker, type PlainBroker } from './link/plain-broker.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);
const LENGTHS = 400;
/** One shared block of Node's for each length would be 26 MB. */
const BUFFER_BYTES_MAX = 1_000_000;
/** The library's table of packet numbers alone would be 8 MB. */
const OBJECT_BYTES_MAX = 4_000_000;

let broker: PlainBroker;
beforeEach(async () => {
  broker = await openPlainBroker();
});
afterEach(() => broker.close());

describe('keepNoSharedBlocks', () => {
  it('messages of ever other lengths leave next to nothing behind', async () => {
    const script = here('./link/varied-lengths-process.ts');
    const { stdout } = await run(process.execPath, ['--expose-gc', script, broker.url, String(LENGTHS)]);
    const kept = JSON.parse(stdout) as { buffers: number; objects: number };
    expect(broker.published.length).toBeGreaterThanOrEqual(LENGTHS);
    expect(kept.buffers).toBeLessThan(BUFFER_BYTES_MAX);
    expect(kept.objects).toBeLessThan(OBJECT_BYTES_MAX);
  });

  it('is what the agent does before anything else', () => {
    const tell = "data:text/javascript,process.on('exit',()=>console.log('block',Buffer.poolSize))";
    const output = execFileSync(process.execPath, ['--import', tell, here('../../agent/main.ts'), '--version']);
    expect(String(output)).toContain('block 0');
  });
});
