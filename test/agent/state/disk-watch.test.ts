// The disk alarm: told once when it begins and once when it is over.
import { expect, it } from 'vitest';
import { openDiskWatch } from '../../../agent/state/disk-watch.ts';
import type { EventFields } from '../../../agent/telemetry/document-body.ts';
import { parseValue } from '../../../shared/basics/parsing.ts';
import { eventSchema } from '../../../shared/protocol/reports.ts';

it('is told once for as long as either cannot be written, and once when both can again', () => {
  const events: EventFields[] = [];
  const slots: { fault: string | null } = { fault: null };
  const spool = { isInMemory: false };
  const watch = openDiskWatch({ slots, spool, wallNow: () => 1, emit: (event) => events.push(event) });
  const look = () => {
    watch.look();
    return events.map(({ kind }) => kind);
  };
  expect(look()).toEqual([]);
  slots.fault = 'writing the state slot state.a: read-only';
  expect(look()).toEqual(['disk-fault']);
  spool.isInMemory = true;
  expect(look()).toEqual(['disk-fault']);
  slots.fault = null;
  expect(look()).toEqual(['disk-fault']);
  spool.isInMemory = false;
  expect(look()).toEqual(['disk-fault', 'disk-back']);
  expect(look()).toHaveLength(2);
  expect(events[0]?.reason).toMatch(/state.a: read-only: what is committed goes on/);
  const header = { v: 1, site: 'site-a', device: 'cam-1', boot: 'boot-0001', seq: 1 };
  for (const event of events) expect(parseValue(eventSchema, { ...header, ...event }).ok).toBe(true);
});
