// How the spool stays within its budget: windows are merged 1 → 2 → 4, then dropped oldest first and counted.
// Runs inside the transaction of whoever has added something. Events are never touched here.
import type { WindowBody } from './document-body.ts';
import { mergeWindows } from './merge-windows.ts';
import type { SpoolStatements } from './spool-statements.ts';

export type SpoolBudget = {
  readonly bytesMax: number;
  /** Time that the waiting windows may cover. */
  readonly spanMsMax: number;
};

/** Kept free for events, so that windows never stand in their way; a quarter of a small budget. */
const EVENT_RESERVE_BYTES = 4 * 1024 * 1024;
/** A window stands for at most this many: longer ones would say nothing about when. */
const PARTS_MAX = 4;
/** What a row costs in the file besides its document. */
const ROW_BYTES = 200;

export function rowBytes(text: string): number {
  return Buffer.byteLength(text) + ROW_BYTES;
}

/** Windows in flight keep their number and their content, so at most those stay above the budget. */
export function makeRoom(statements: SpoolStatements, budget: SpoolBudget): void {
  if (!shrinkWhile(statements, () => isOverBudget(statements, budget.bytesMax))) return;
  while ((statements.spanMs.get() ?? 0) > budget.spanMsMax) if (!dropOldest(statements)) return;
}

/** Merges, then drops windows until the condition is over; false when no window is left that could give way. */
export function shrinkWhile(statements: SpoolStatements, isShort: () => boolean): boolean {
  while (isShort()) {
    const pair = statements.mergeable.get(PARTS_MAX / 2);
    if (pair) mergePair(statements, pair.id, pair.next_id);
    else if (!dropOldest(statements)) return false;
  }
  return true;
}

function isOverBudget(statements: SpoolStatements, bytesMax: number): boolean {
  const reserve = Math.min(EVENT_RESERVE_BYTES, bytesMax / 4);
  const events = statements.sizeOf.get('event')?.bytes ?? 0;
  const windows = statements.sizeOf.get('window')?.bytes ?? 0;
  return windows > bytesMax - Math.max(reserve, events);
}

function mergePair(statements: SpoolStatements, firstId: number, secondId: number): void {
  const first = statements.row.get(firstId);
  const second = statements.row.get(secondId);
  if (!first || !second) return;
  const merged = mergeWindows(JSON.parse(first.body), JSON.parse(second.body));
  const body = JSON.stringify(merged);
  statements.remove.run(firstId);
  statements.replace.run({
    id: secondId,
    bytes: rowBytes(body),
    parts: first.parts + second.parts,
    span_ms: spanOf(merged),
    body,
  });
}

export function dropOldest(statements: SpoolStatements): boolean {
  const oldest = statements.oldestUnsent.get();
  if (!oldest) return false;
  statements.remove.run(oldest.id);
  statements.countDrop.run('window', oldest.parts);
  // Losses that the dropped window was to report are reported by the next one.
  const reported = (JSON.parse(oldest.body) as WindowBody).spoolDropped;
  for (const [name, count] of Object.entries(reported)) statements.countDrop.run(name, count);
  return true;
}

export function spanOf(window: WindowBody): number {
  return Math.round(window.endAtMs - window.startAtMs);
}
