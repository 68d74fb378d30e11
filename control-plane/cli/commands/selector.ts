// `-l`: which devices are meant, in the words of a rollout file's `cohort.where`; "a=b,c=d" is short for "a=b and c=d".
import type { DeviceDocument } from '../../../shared/protocol/api-devices.ts';
import { type Clause, parseWhere, whyNotWhere } from '../../../shared/rollout/where.ts';
import { CommandError } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';

/** Throws CommandError with the place of the mistake. */
export function readSelector(text: string): readonly Clause[] {
  const words = text.includes('[') ? text : text.replaceAll(',', ' and ');
  const parsed = parseWhere(words.replaceAll(/\bfactory\b/g, 'site'));
  if (parsed.ok) return parsed.clauses;
  throw new CommandError(EXIT.usage, `--selector ${text}: ${parsed.message} (at ${parsed.column})`);
}

export function selects(clauses: readonly Clause[], { site, line, hardwareClass, online }: DeviceDocument): boolean {
  return whyNotWhere(clauses, { hw: hardwareClass, site, line, online, battery: null }) === null;
}
