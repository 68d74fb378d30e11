// A kill document as a device takes it: entry by entry. Not to understand a kill is no reason to go on, so an entry that this
// agent cannot read (a newer control plane may know other scopes) stops every candidate here.
import { z } from 'zod';
import { parseValue } from '../shared/basics/parsing.ts';
import {
  type KillDocument,
  type KillEntry,
  killDocumentSchema,
  killEntrySchema,
} from '../shared/protocol/documents.ts';
import type { DeviceAddress } from '../shared/protocol/topics.ts';

/** Of a verified payload. How many entries there may be is bounded by the size of a signed document. */
export function receivedKillSchema(address: DeviceAddress): z.ZodType<KillDocument> {
  const whole = killDocumentSchema.extend({ kills: z.array(z.unknown()) });
  return whole.transform((document) => ({
    ...document,
    kills: document.kills.map((entry, index) => readEntry(entry, index, { address, issuedAtMs: document.issuedAtMs })),
  }));
}

type Place = { readonly address: DeviceAddress; readonly issuedAtMs: number };

function readEntry(entry: unknown, index: number, { address, issuedAtMs }: Place): KillEntry {
  const parsed = parseValue(killEntrySchema, entry);
  if (parsed.ok) return parsed.value;
  // Its id, where it has one: the same kill must be recognised when it comes again, and when it is lifted.
  const named = parseValue(z.looseObject({ id: killEntrySchema.shape.id }), entry);
  return {
    id: named.ok ? named.value.id : `unreadable-${index + 1}`,
    scope: { kind: 'device', ...address },
    reason: 'a kill that this agent cannot read; update the agent',
    actor: 'unknown',
    raisedAtMs: issuedAtMs,
  };
}
