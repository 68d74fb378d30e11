// What the control plane remembers of a device that speaks: what is in force there, not what it once was told.
import { describe, expect, it } from 'vitest';
import { PresenceBook } from '../../../control-plane/devices/presence.ts';
import { helloSchema, type Reported, reportedSchema } from '../../../shared/protocol/reports.ts';

const ADDRESS = { site: 'plant-1', device: 'device-1' };
const HEADER = { v: 1, ...ADDRESS, boot: 'boot-0001', agentVersion: '1', hardwareClass: 'linux-x64', line: null };

function report(generation: number, desiredInForce?: boolean): Reported {
  const nothing = { serving: null, committed: null, previous: null, candidate: null, provider: null };
  const empty = { proofs: [], quarantine: [], kills: [], blocked: [] };
  const said = {
    atMs: 1,
    generation,
    killEpoch: 0,
    phase: 'baseline',
    servedFrames: 0,
    servingBecause: '',
    mode: 'warm',
  };
  const inForce = desiredInForce === undefined ? {} : { desiredInForce };
  return reportedSchema.parse({ ...HEADER, ...nothing, ...empty, ...said, ...inForce });
}

describe('PresenceBook', () => {
  it('knows a device that only remembers its generation as one with nothing in force', () => {
    const book = new PresenceBook();
    book.hello(helloSchema.parse({ ...HEADER, generation: 0, killEpoch: 0, seq: 0 }), 1);
    book.reported(report(7, false), 2);
    expect(book.get(ADDRESS)).toMatchObject({ generation: 7, isInForce: false });
    book.reported(report(7, true), 3);
    expect(book.get(ADDRESS)).toMatchObject({ generation: 7, isInForce: true });
  });

  it('takes the word of an older agent, which does not tell the two apart', () => {
    const book = new PresenceBook();
    book.reported(report(7), 1);
    expect(book.get(ADDRESS)?.isInForce).toBe(true);
  });
});
