// Programs that pretend to be runners: they babble, flood, lie and hang. The agent's side must survive all of them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../../shared/release/manifest.ts';
import { modelFile } from '../../../shared/release/model-file.ts';
import { type Bench, openBench, until } from './runner-bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

type Said = { readonly provider: { readonly asked: string; readonly used: string }; readonly modelSha256: string };

/** A program that says `ready` and then does `act`, with `socket` and `say(json)` at hand. */
function impostor(act: string, said: Said): readonly string[] {
  const path = join(bench.dir, 'impostor.mjs');
  const text = `
    import { Socket } from 'node:net';
    const socket = new Socket({ fd: 3, readable: true, writable: true });
    socket.on('close', () => process.exit(0));
    socket.resume();
    const say = (value) => {
      const body = Buffer.from(JSON.stringify(value));
      const head = Buffer.alloc(5);
      head.writeUInt32LE(body.length + 1, 0);
      head[4] = 1;
      socket.write(Buffer.concat([head, body]));
    };
    const ready = { type: 'ready', protocol: 1, runtime: 'impostor 1', ...${JSON.stringify(said)} };
    say({ ...ready, loadMs: 1, warmMs: 1, rssBytes: 1 });
    ${act}
  `;
  writeFileSync(path, text);
  return [process.execPath, path];
}

function openImpostor(act: string, lie: Partial<Said> = {}, runtime: Partial<Manifest['runtime']> = {}) {
  const written = bench.release();
  const { manifest } = written;
  const release = { ...written, manifest: { ...manifest, runtime: { ...manifest.runtime, ...runtime } } };
  const truth = { provider: { asked: 'cpu', used: 'cpu' }, modelSha256: modelFile(manifest).sha256 };
  return bench.open(release, bench.ring(release, []), { command: impostor(act, { ...truth, ...lie }) });
}

describe('a runner that breaks the protocol', () => {
  const ACTS = {
    'bytes that are no message': `socket.write('HTTP/1.1 400 Bad Request');`,
    'a length beyond the limit': `const b = Buffer.alloc(5); b.writeUInt32LE(0x7fffffff); socket.write(b);`,
    'JSON that is no message of the protocol': `say({ type: 'greeting' });`,
    'a second ready': `say({ ...ready, loadMs: 1, warmMs: 1, rssBytes: 1 });`,
    'an answer to a frame it was not given': `say({ type: 'fault', seq: 99, code: 'run-failed', detail: '' });`,
    'a result with a wrong type in it': `say({ type: 'result', seq: 'one' });`,
  };
  for (const [name, act] of Object.entries(ACTS)) {
    it(`is killed and reported: ${name}`, async () => {
      await openImpostor(`setTimeout(() => { ${act} }, 20);`);
      await until('the exit', () => bench.exits.length === 1);
      expect(bench.faults).toMatchObject([{ token: null, code: 'protocol-violation' }]);
      expect(bench.exits[0]).toMatchObject({ signal: 'SIGKILL', how: 'crash' });
      expect(bench.exits[0]?.reason).toMatch(/broke the protocol/);
    });
  }
});

describe('a runner of somebody else that is ready with what the release does not allow', () => {
  const onCpu = { provider: { asked: 'cuda', used: 'cpu' } };

  it('is refused when it has fallen back to the CPU in silence', async () => {
    const runtime = { providers: ['cuda' as const], allowCpuFallback: false };
    await expect(openImpostor('', onCpu, runtime)).rejects.toMatchObject({
      code: 'provider-unavailable',
      message: expect.stringMatching(/its runner runs on cpu, the release allows cuda; install the accelerator/),
    });
    expect(bench.exits).toEqual([]);
  });

  it('is taken where the release allows the CPU, and refused for a provider that it does not name', async () => {
    const runtime = { providers: ['cuda' as const], allowCpuFallback: true };
    await expect(openImpostor('', onCpu, runtime)).resolves.toMatchObject({ ready: onCpu });
    const other = { provider: { asked: 'cuda', used: 'tensorrt' } };
    await expect(openImpostor('', other, runtime)).rejects.toMatchObject({ code: 'provider-unavailable' });
  });

  it('is refused when it has loaded another model', async () => {
    const lie = { modelSha256: '0'.repeat(64) };
    await expect(openImpostor('', lie)).rejects.toMatchObject({ code: 'wrong-digest' });
  });
});

describe('a runner that is rude', () => {
  it('cannot fill the log or starve the agent with what it prints', async () => {
    const runner = await openImpostor(`
      const line = 'x'.repeat(5000) + '\\n';
      const flood = () => { process.stderr.write(line.repeat(40)); setImmediate(flood); };
      flood();
    `);
    const entries = (message: string) => bench.log.entries.filter((entry) => entry.message === message);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks += 1;
    }, 10);
    const startedAt = performance.now();
    await until('a word on what is not logged', () => entries('child process says too much').length > 0, 30_000);
    const seconds = (performance.now() - startedAt) / 1000;
    clearInterval(timer);
    await runner.kill();
    const lines = entries('child process says');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(40 * (Math.ceil(seconds) + 1));
    expect(Math.max(...lines.map((entry) => String(entry.fields.line).length))).toBeLessThanOrEqual(500);
    expect(ticks / seconds).toBeGreaterThan(20);
  });

  it('keeps a line without an end within bounds', async () => {
    const runner = await openImpostor(
      `process.stdout.write('y'.repeat(300_000)); setTimeout(() => process.exit(3), 50);`,
    );
    await until('the exit', () => bench.exits.length === 1);
    await until('the line', () => bench.log.entries.length > 0);
    expect(runner.outstanding()).toEqual([]);
    expect(String(bench.log.entries[0]!.fields.line)).toBe('y'.repeat(500));
  });

  it('does not disturb the agent when it closes its stream and stays', async () => {
    const runner = await openImpostor(`process.removeAllListeners(); socket.destroy(); setInterval(() => {}, 1000);`);
    for (let seq = 0; seq < 50; seq++) runner.submit({ seq, slot: 0 });
    expect(runner.outstanding().map((token) => token.seq)).toEqual([0, 1]);
    await runner.kill();
    expect(bench.exits).toHaveLength(1);
  });

  it('gives its frames back when it is killed while it ignores a drain', async () => {
    const runner = await openImpostor('setInterval(() => {}, 1000);');
    runner.submit({ seq: 1, slot: 0 });
    const draining = runner.drain(10_000);
    void runner.kill();
    await draining;
    expect(bench.exits).toMatchObject([{ outstanding: [{ seq: 1 }] }]);
  });
});
