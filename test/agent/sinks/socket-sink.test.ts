// Answers on a Unix socket, with consumers that come, go, read slowly and not at all.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sink } from '../../../agent/sinks/sink.ts';
import { openSocketSink, type SocketSinkParts } from '../../../agent/sinks/socket-sink.ts';
import { openRecordingLog } from '../../fakes/recording-log.ts';

let folder = '';
let path = '';
const sinks: Sink[] = [];
const sockets: Socket[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'belay-socket-'));
  path = join(folder, 'answers.sock');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  rmSync(folder, { recursive: true });
});

function open(parts: Partial<SocketSinkParts> = {}) {
  const log = openRecordingLog();
  const sink = openSocketSink(path, { log, ...parts });
  sinks.push(sink);
  return { sink, log };
}

async function openListening(parts: Partial<SocketSinkParts> = {}) {
  const opened = open(parts);
  await expect.poll(() => opened.log.entries.map(({ message }) => message)).toContain('answers can be read here');
  return opened;
}

async function consume(): Promise<{ readonly socket: Socket; readonly lines: () => readonly string[] }> {
  const socket = connect(path);
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { socket, lines: () => text.split('\n').slice(0, -1) };
}

const line = (number: number) => JSON.stringify({ number, fill: 'x'.repeat(500) });

describe('the socket sink', () => {
  it('gives every consumer every answer from its coming on', async () => {
    const { sink } = await openListening();
    sink.publish(line(0));
    const [one, other] = [await consume(), await consume()];
    await expect
      .poll(() => {
        sink.publish(line(1));
        return Math.min(one.lines().length, other.lines().length);
      })
      .toBeGreaterThan(0);
    expect([one.lines()[0], other.lines()[0]]).toEqual([line(1), line(1)]);
    expect(sink.counts().dropped).toEqual({});
  });

  it('may be read by owner and group alone, and leaves no file behind', async () => {
    const { sink } = await openListening();
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await sink.close();
    await expect.poll(() => existsSync(path)).toBe(false);
  });

  it('does not wait for a consumer that reads nothing, and tells it how many it has missed', async () => {
    const { sink } = await openListening();
    const [slow, quick] = [await consume(), await consume()];
    slow.socket.pause();
    let published = 0;
    await expect
      .poll(() => {
        for (let i = 0; i < 100; i += 1) sink.publish(line(published++));
        return sink.counts().dropped['slow-reader'] ?? 0;
      })
      .toBeGreaterThan(500);
    await expect.poll(() => quick.lines().length).toBe(published);
    const missed = sink.counts().dropped['slow-reader'];
    slow.socket.resume();
    await expect
      .poll(() => {
        sink.publish(line(published++));
        return slow.lines().some((text) => text.includes('answers-lost'));
      })
      .toBe(true);
    const told = slow.lines().map((text) => JSON.parse(text));
    const notice = told.findIndex((record) => record.notice === 'answers-lost');
    expect(told[notice].count).toBeGreaterThanOrEqual(missed ?? 0);
    // Before the gap and after it everything is whole and in order.
    expect(told[notice + 1].number - told[notice - 1].number).toBe(told[notice].count + 1);
  });

  it('lets a consumer go that reads nothing for too long', async () => {
    const { sink, log } = await openListening({ stuckMsMax: 150 });
    const { socket } = await consume();
    socket.pause();
    await expect
      .poll(() => {
        for (let i = 0; i < 100; i += 1) sink.publish(line(i));
        return log.entries.map(({ message }) => message);
      })
      .toContain('a consumer reads nothing and is let go');
    const sent = sink.counts().sent;
    sink.publish(line(1));
    expect(sink.counts().sent).toBe(sent);
  });

  it('takes the place of a process that was killed, at once', async () => {
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(existsSync(path)).toBe(true);
    await openListening();
  });

  it('never takes the place of one that lives, nor removes what is no socket', async () => {
    const server = createServer().listen(path);
    await once(server, 'listening');
    const { sink, log } = open();
    await expect.poll(() => sink.counts().trouble).toContain('another process listens there; stop it');
    await new Promise((resolve) => server.close(resolve));
    writeFileSync(path, 'notes');
    const other = open();
    await expect.poll(() => other.sink.counts().trouble).toContain('no socket lies there; move it away');
    expect(existsSync(path)).toBe(true);
    expect(log.entries.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});
