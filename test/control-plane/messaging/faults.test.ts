// Counting and sparing the log.
import { describe, expect, it } from 'vitest';
import { classifyError, createFaults, type MessagingLog, Refusal } from '../../../control-plane/messaging/faults.ts';

function recording() {
  const lines: string[] = [];
  const at = (level: string) => (fields: object) => void lines.push(`${level} ${JSON.stringify(fields)}`);
  const log: MessagingLog = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, log };
}

describe('createFaults', () => {
  it('logs a client once in a minute, another client beside it, and the first again later', () => {
    let nowMs = 0;
    const { lines, log } = recording();
    const faults = createFaults({ log, logEveryMs: 60_000, now: () => nowMs });
    const record = (who: string) => faults.record({ reason: 'flood', who, detail: 'x' });
    record('cam-one');
    record('cam-one');
    record('cam-two');
    nowMs = 59_999;
    faults.prune(nowMs);
    record('cam-one');
    expect(lines.length).toBe(2);
    nowMs = 60_000;
    record('cam-one');
    expect(lines.length).toBe(3);
    expect(faults.counts()).toEqual({ flood: 5 });
  });

  it('keeps everyday ends of a connection out of the warnings', () => {
    const { lines, log } = recording();
    const faults = createFaults({ log, logEveryMs: 0, now: () => 0 });
    faults.record({ reason: 'connection-lost', who: 'cam-one', detail: 'reset' });
    faults.record({ reason: 'ingest-failed', who: 'cam-one', detail: 'disk' });
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['debug', 'warn']);
  });
});

describe('classifyError', () => {
  it.each([
    [new Refusal('qos-2', 'x'), 'qos-2'],
    [new Error('drain timeout'), 'slow-client'],
    [new Error('keep alive timeout'), 'keepalive-timeout'],
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' }), 'connection-lost'],
    [new Error('Packet too short'), 'protocol-error'],
    ['text', 'protocol-error'],
  ])('puts %s under %s', (error, reason) => {
    expect(classifyError(error)).toBe(reason);
  });
});
